"""The videos of a server: uploads, the index, and parts of files for a player."""
