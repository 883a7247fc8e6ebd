//! Signatures and credentials.

mod standard_webhooks;

use super::*;
