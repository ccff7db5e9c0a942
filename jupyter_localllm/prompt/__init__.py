"""From what a person wrote to what a model reads: the cell's template, the model's chat template, the window."""
