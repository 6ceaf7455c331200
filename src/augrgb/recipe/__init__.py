"""YAML and overrides -> checked values -> objects."""

from augrgb.recipe.load import check_recipe, load_recipe
from augrgb.recipe.schema import EncoderRecipe, StreamRecipe

__all__ = ["EncoderRecipe", "StreamRecipe", "check_recipe", "load_recipe"]
