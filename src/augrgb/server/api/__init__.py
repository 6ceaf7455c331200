"""The requests that a server answers, by what they are about; `app.create_app` joins them."""
