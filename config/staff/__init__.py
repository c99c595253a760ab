"""Pages for who looks after the installation, where `STAFF_ADMIN` says so: /staff/."""
