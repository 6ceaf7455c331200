"""What any file or folder is: `recognize` knows the kinds, and the other modules describe them."""

from augrgb.pipelines.info.description import Info
from augrgb.pipelines.info.recognize import describe_path

__all__ = ["Info", "describe_path"]
