"""How figures, times, actions, foreign text and bars are shown, whoever shows them: terminal, page or notebook."""
