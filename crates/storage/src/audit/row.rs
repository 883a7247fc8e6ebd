//! Rows of `audit`.

#![expect(clippy::ref_option_ref, reason = "diesel's derive writes such types")]

use diesel::{Insertable, Queryable, Selectable};
use hookgate_domain::idempotency::{IdempotencyKey, PayloadDigest};
use hookgate_domain::networks::{address_bytes, wider_prefixes};
use hookgate_domain::{OrganizationId, Timestamp};
use hookgate_people::{
    Actor, AuditAct, AuditEntry, AuditRequest, AuditSubject, MemberId, NewAudit, Role, TokenId,
};

use crate::query_error::CorruptRow;
use crate::rows::read_address;
use crate::schema::people::audit;

const HOUR_MICROS: i64 = 3_600_000_000;

/// An entry as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = audit, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct AuditRow {
    pub(crate) id: i64,
    organization: i64,
    at: i64,
    actor_kind: String,
    actor_id: Option<String>,
    actor_name: String,
    actor_role: Option<String>,
    source: Option<Vec<u8>>,
    act: String,
    subject_id: String,
    subject_name: String,
    before: Option<String>,
    after: Option<String>,
    request_key: Option<String>,
    request_digest: Option<Vec<u8>>,
    attempts: i64,
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = CorruptRow;

    fn try_from(row: AuditRow) -> Result<Self, CorruptRow> {
        let id = row.id;
        let corrupt = |column| move || CorruptRow::at("audit", id, column);
        let actor = row.actor().ok_or_else(corrupt("actor_kind"))?;
        let from = row
            .source
            .as_deref()
            .map(|bytes| read_address(bytes).ok_or_else(corrupt("source")));
        let request = row
            .request_key
            .as_deref()
            .map(|key| read_request(key, row.request_digest.as_deref()).ok_or_else(corrupt("request_key")))
            .transpose()?;
        Ok(Self {
            id,
            organization: OrganizationId::new(row.organization).ok_or_else(corrupt("organization"))?,
            at: Timestamp::from_micros(row.at),
            actor,
            from: from.transpose()?,
            act: row.act.parse().map_err(|_| corrupt("act")())?,
            subject: AuditSubject {
                id: row.subject_id,
                name: row.subject_name,
            },
            before: row.before,
            after: row
                .after
                .or_else(|| (row.attempts > 1).then(|| attempts_text(row.attempts))),
            request,
        })
    }
}

impl AuditRow {
    fn actor(&self) -> Option<Actor> {
        read_actor(
            &self.actor_kind,
            self.actor_id.as_deref(),
            self.actor_name.clone(),
            self.actor_role.as_deref(),
        )
    }
}

/// An actor from its columns.
pub(crate) fn read_actor(kind: &str, id: Option<&str>, name: String, role: Option<&str>) -> Option<Actor> {
    let role = || role?.parse::<Role>().ok();
    match kind {
        "member" => Some(Actor::Member {
            id: id?.parse::<MemberId>().ok()?,
            name,
            role: role()?,
        }),
        "token" => Some(Actor::Token {
            id: id?.parse::<TokenId>().ok()?,
            name,
            role: role()?,
        }),
        "command_line" => Some(Actor::CommandLine { user: name }),
        "system" => Some(Actor::System),
        _ => None,
    }
}

fn read_request(key: &str, digest: Option<&[u8]>) -> Option<AuditRequest> {
    Some(AuditRequest {
        key: IdempotencyKey::parse(key.as_bytes()).ok()?,
        digest: PayloadDigest::from_bytes(digest?.try_into().ok()?),
    })
}

/// The text that says how many failed sign-ins an entry stands for.
fn attempts_text(attempts: i64) -> String {
    format!("{{\"attempts\":{attempts}}}")
}

/// Key by which failed sign-ins share an entry: the hour, the subject, and the network of the source. An IPv6
/// customer has a /48.
fn fold_key(audit: &NewAudit) -> Option<String> {
    (audit.act == AuditAct::SessionSignInFailed).then(|| {
        let hour = audit.at.as_micros().div_euclid(HOUR_MICROS);
        // Without an address, the place of the network stays empty.
        let network = audit
            .from
            .map_or_else(String::new, |address| wider_prefixes(address)[1].to_string());
        format!("{hour} {network} {}", audit.subject.id)
    })
}

/// An entry to write.
#[derive(Insertable)]
#[diesel(table_name = audit, treat_none_as_default_value = false)]
pub(crate) struct NewAuditRow<'a> {
    organization: i64,
    at: i64,
    actor_kind: &'static str,
    actor_id: Option<String>,
    actor_name: &'a str,
    actor_role: Option<&'static str>,
    source: Option<Vec<u8>>,
    act: &'static str,
    subject_id: &'a str,
    subject_name: &'a str,
    before: Option<&'a str>,
    after: Option<&'a str>,
    request_key: Option<&'a str>,
    request_digest: Option<&'a [u8]>,
    fold: Option<String>,
}

impl<'a> From<&'a NewAudit> for NewAuditRow<'a> {
    fn from(audit: &'a NewAudit) -> Self {
        let actor_id = audit.actor.id();
        Self {
            organization: audit.organization.get(),
            at: audit.at.as_micros(),
            actor_kind: audit.actor.kind(),
            actor_role: actor_id.as_ref().map(|_| audit.actor.role().as_str()),
            actor_id,
            actor_name: audit.actor.name(),
            source: audit.from.map(|address| address_bytes(address).to_vec()),
            act: audit.act.as_str(),
            subject_id: &audit.subject.id,
            subject_name: &audit.subject.name,
            before: audit.before.as_deref(),
            after: audit.after.as_deref(),
            request_key: audit.request.as_ref().map(|request| request.key.as_str()),
            request_digest: audit
                .request
                .as_ref()
                .map(|request| &request.digest.as_bytes()[..]),
            fold: fold_key(audit),
        }
    }
}
