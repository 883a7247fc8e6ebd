//! Helpers that tests of endpoints and pages share, and the tests of all of them.

mod roles;
pub(crate) mod test_app;
