"""YAML and overrides -> checked values -> objects."""

from augrgb.recipe.encoder_schema import EncoderRecipe
from augrgb.recipe.load import check_recipe, load_recipe
from augrgb.recipe.schema import StreamRecipe

__all__ = ["EncoderRecipe", "StreamRecipe", "check_recipe", "load_recipe"]
