"""Skeletons: files, joint layouts, people, pose networks."""
