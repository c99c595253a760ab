"""Store documents in a folder or in object storage, and recognize the storage of this installation."""
