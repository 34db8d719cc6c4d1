"""The numbers of a run while it goes on, as other programs take them."""
