"""What calls, results, streams and signals say: model, parameters, usage, finish, confidence. Changes nothing."""
