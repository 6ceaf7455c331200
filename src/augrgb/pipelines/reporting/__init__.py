"""Parts of `augrgb report`: what is known of each run, its figures, and the rest of the page."""
