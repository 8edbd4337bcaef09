"""The OMS, which prints what customers personalise: orders out, print files back, batches, and its catalogue."""
