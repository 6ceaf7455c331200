"""The loop: corrections become data of a project, a fit runs, and its worth is measured."""
