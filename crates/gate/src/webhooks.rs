//! Webhooks: creating and changing them, previews of a change, and their health.

pub(crate) mod health;
pub(crate) mod manage;
pub(crate) mod preview;
pub(crate) mod retired_use;
pub(crate) mod suggestion;
