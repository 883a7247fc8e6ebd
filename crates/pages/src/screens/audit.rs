//! The trail of administrative acts.

use std::net::IpAddr;

use askama::Template;
use hookgate_domain::Timestamp;

use super::screen;
use crate::assets;
use crate::shell::{Pager, Paging, Shell};
use crate::text::UserText;
use crate::when;

/// `/audit`.
#[derive(Clone, Debug, Template)]
#[template(path = "audit.html")]
pub struct AuditTrail {
    /// The frame.
    pub shell: Shell,
    /// What the list is narrowed to.
    pub filter: AuditFilter,
    /// The rows of this page, newest first.
    pub rows: Vec<AuditRow>,
    /// The neighbouring pages.
    pub paging: Paging,
}

screen!(AuditTrail, "audit");

/// What the trail is narrowed to, each field as the query string has it, or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// `who`: a member or token.
    pub who: String,
    /// `what`: an act.
    pub what: String,
}

/// One act.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// Who: a member, a token, the command line.
    pub who: UserText,
    /// From where.
    pub source: Option<IpAddr>,
    /// What was done, such as `webhook.revoke`.
    pub what: UserText,
    /// To what.
    pub object: Option<UserText>,
    /// How it was before.
    pub before: Option<UserText>,
    /// How it was after.
    pub after: Option<UserText>,
}

impl AuditTrail {
    fn is_narrowed(&self) -> bool {
        self.filter != AuditFilter::default()
    }

    fn pager(&self) -> Pager<'_> {
        let filter = [("who", self.filter.who.as_str()), ("what", &self.filter.what)];
        Pager {
            path: "/audit",
            filter: filter.to_vec(),
            paging: &self.paging,
        }
    }
}
