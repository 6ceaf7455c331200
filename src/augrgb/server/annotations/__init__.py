"""What people say about videos: versions of documents, and files of any annotation format."""
