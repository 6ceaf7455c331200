"""What people look at: plain results in; self-contained HTML pages, terminal tables, figures and videos out.

Import from the modules: each page brings only what it draws with.
"""
