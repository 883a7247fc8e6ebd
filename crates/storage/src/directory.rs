//! The data directory of an embedded store: its files, their permissions, and the lock of its server.

pub(crate) mod access;
pub(crate) mod files;
pub(crate) mod literal_path;
pub(crate) mod lock;
