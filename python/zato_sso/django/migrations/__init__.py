"""Django finds modules here by name."""
