"""What every other package uses: annotations, time, batches, errors, catalogs, safe files."""
