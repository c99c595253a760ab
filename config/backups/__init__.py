"""Write backups of the database and the stored documents, and restore them."""
