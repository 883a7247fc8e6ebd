//! Rows of `members`, `sessions`, `tokens` and `sign_in_links`.

use diesel::{AsChangeset, Insertable, Queryable, Selectable};
use hookgate_domain::networks::address_bytes;
use hookgate_domain::{OrganizationId, Timestamp};
use hookgate_gate::FailedSignIns;
use hookgate_people::{
    ApiTokenDigest, IdError, LinkMaker, Member, MemberId, MemberName, PasswordHash, Session, SessionDigest,
    SignInLink, SignInMeans, SignInSecretDigest, Token, TokenId, TokenName,
};

use crate::query_error::CorruptRow;
use crate::rows::read_address;
use crate::schema::people::{failed_sign_ins, members, sessions, sign_in_links, tokens};

/// A member.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = members, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg), treat_none_as_default_value = false)]
pub(crate) struct MemberRow {
    id: String,
    organization: i64,
    name: String,
    name_key: String,
    role: String,
    password: Option<String>,
    created_at: i64,
}

impl From<&Member> for MemberRow {
    fn from(member: &Member) -> Self {
        Self {
            id: member.id.to_string(),
            organization: member.organization.get(),
            name: member.name.to_string(),
            name_key: member.name.key(),
            role: member.role.to_string(),
            password: member.password.as_ref().map(|hash| hash.as_str().to_owned()),
            created_at: member.created_at.as_micros(),
        }
    }
}

impl TryFrom<MemberRow> for Member {
    type Error = CorruptRow;

    fn try_from(row: MemberRow) -> Result<Self, CorruptRow> {
        let id = &row.id.clone();
        let corrupt = |column| move || CorruptRow::at("members", id, column);
        Ok(Self {
            id: row.id.parse().map_err(|_| corrupt("id")())?,
            organization: OrganizationId::new(row.organization).ok_or_else(corrupt("organization"))?,
            name: MemberName::from_stored(&row.name).ok_or_else(corrupt("name"))?,
            role: row.role.parse().map_err(|_| corrupt("role")())?,
            password: row.password.map(PasswordHash::from_text),
            created_at: Timestamp::from_micros(row.created_at),
        })
    }
}

/// A session.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg), treat_none_as_default_value = false)]
pub(crate) struct SessionRow {
    id: String,
    digest: Vec<u8>,
    member: String,
    means: String,
    created_at: i64,
    last_seen_at: i64,
    source: Vec<u8>,
    user_agent: Option<String>,
    made_by: Option<String>,
    made_in: Option<String>,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id.to_string(),
            digest: session.digest.as_bytes().to_vec(),
            member: session.member.to_string(),
            means: session.means.as_str().to_owned(),
            created_at: session.created_at.as_micros(),
            last_seen_at: session.last_seen_at.as_micros(),
            source: address_bytes(session.source).to_vec(),
            user_agent: session.user_agent.clone(),
            made_by: session.made_by.map(|maker| maker.member.to_string()),
            made_in: made_in(session.made_by),
        }
    }
}

impl TryFrom<SessionRow> for Session {
    type Error = CorruptRow;

    fn try_from(row: SessionRow) -> Result<Self, CorruptRow> {
        let id = &row.id.clone();
        let corrupt = |column| move || CorruptRow::at("sessions", id, column);
        let means = [SignInMeans::Password, SignInMeans::Link]
            .into_iter()
            .find(|means| means.as_str() == row.means);
        Ok(Self {
            id: row.id.parse().map_err(|_| corrupt("id")())?,
            digest: SessionDigest::from_bytes(read_digest(&row.digest).ok_or_else(corrupt("digest"))?),
            member: row.member.parse().map_err(|_| corrupt("member")())?,
            means: means.ok_or_else(corrupt("means"))?,
            created_at: Timestamp::from_micros(row.created_at),
            last_seen_at: Timestamp::from_micros(row.last_seen_at),
            source: read_address(&row.source).ok_or_else(corrupt("source"))?,
            user_agent: row.user_agent,
            made_by: read_maker(row.made_by.as_deref(), row.made_in.as_deref())
                .map_err(|_| corrupt("made_by")())?,
        })
    }
}

/// An API token.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = tokens, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg), treat_none_as_default_value = false)]
pub(crate) struct TokenRow {
    id: String,
    organization: i64,
    digest: Vec<u8>,
    name: String,
    role: String,
    owner: Option<String>,
    created_by: String,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
    made_by: Option<String>,
    root: Option<String>,
}

impl From<&Token> for TokenRow {
    fn from(token: &Token) -> Self {
        Self {
            id: token.id.to_string(),
            organization: token.organization.get(),
            digest: token.digest.as_bytes().to_vec(),
            name: token.name.to_string(),
            role: token.role.to_string(),
            owner: token.owner.map(|owner| owner.to_string()),
            created_by: token.created_by.clone(),
            created_at: token.created_at.as_micros(),
            expires_at: token.expires_at.map(Timestamp::as_micros),
            last_used_at: token.last_used_at.map(Timestamp::as_micros),
            revoked_at: token.revoked_at.map(Timestamp::as_micros),
            made_by: token.made_by.map(|id| id.to_string()),
            root: token.root.map(|id| id.to_string()),
        }
    }
}

impl TryFrom<TokenRow> for Token {
    type Error = CorruptRow;

    fn try_from(row: TokenRow) -> Result<Self, CorruptRow> {
        let id = &row.id.clone();
        let corrupt = |column| move || CorruptRow::at("tokens", id, column);
        let owner = row.owner.as_deref().map(str::parse::<MemberId>).transpose();
        let token_id = |text: Option<&str>| text.map(str::parse::<TokenId>).transpose();
        Ok(Self {
            id: row.id.parse().map_err(|_| corrupt("id")())?,
            organization: OrganizationId::new(row.organization).ok_or_else(corrupt("organization"))?,
            digest: ApiTokenDigest::from_bytes(read_digest(&row.digest).ok_or_else(corrupt("digest"))?),
            name: TokenName::from_stored(&row.name).ok_or_else(corrupt("name"))?,
            role: row.role.parse().map_err(|_| corrupt("role")())?,
            owner: owner.map_err(|_| corrupt("owner")())?,
            created_by: row.created_by,
            created_at: Timestamp::from_micros(row.created_at),
            expires_at: row.expires_at.map(Timestamp::from_micros),
            last_used_at: row.last_used_at.map(Timestamp::from_micros),
            revoked_at: row.revoked_at.map(Timestamp::from_micros),
            made_by: token_id(row.made_by.as_deref()).map_err(|_| corrupt("made_by")())?,
            root: token_id(row.root.as_deref()).map_err(|_| corrupt("root")())?,
        })
    }
}

/// A sign-in link.
#[derive(AsChangeset, Insertable, Queryable, Selectable)]
#[diesel(table_name = sign_in_links, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg), treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct LinkRow {
    member: String,
    digest: Vec<u8>,
    created_at: i64,
    made_by: Option<String>,
    made_in: Option<String>,
}

impl From<&SignInLink> for LinkRow {
    fn from(link: &SignInLink) -> Self {
        Self {
            member: link.member.to_string(),
            digest: link.digest.as_bytes().to_vec(),
            created_at: link.created_at.as_micros(),
            made_by: link.made_by.map(|maker| maker.member.to_string()),
            made_in: made_in(link.made_by),
        }
    }
}

impl TryFrom<LinkRow> for SignInLink {
    type Error = CorruptRow;

    fn try_from(row: LinkRow) -> Result<Self, CorruptRow> {
        let id = &row.member.clone();
        let corrupt = |column| move || CorruptRow::at("sign_in_links", id, column);
        Ok(Self {
            digest: SignInSecretDigest::from_bytes(read_digest(&row.digest).ok_or_else(corrupt("digest"))?),
            member: row.member.parse().map_err(|_| corrupt("member")())?,
            created_at: Timestamp::from_micros(row.created_at),
            made_by: read_maker(row.made_by.as_deref(), row.made_in.as_deref())
                .map_err(|_| corrupt("made_by")())?,
        })
    }
}

fn made_in(maker: Option<LinkMaker>) -> Option<String> {
    Some(maker?.session?.to_string())
}

/// The maker of a link from its two columns.
fn read_maker(member: Option<&str>, session: Option<&str>) -> Result<Option<LinkMaker>, IdError> {
    let Some(member) = member else {
        return Ok(None);
    };
    let session = session.map(str::parse).transpose()?;
    let member = member.parse()?;
    Ok(Some(LinkMaker { member, session }))
}

fn read_digest(bytes: &[u8]) -> Option<[u8; 32]> {
    bytes.try_into().ok()
}

/// Failed sign-ins that are counted together.
#[derive(Queryable, Selectable)]
#[diesel(table_name = failed_sign_ins, check_for_backend(diesel::sqlite::Sqlite, diesel::pg::Pg))]
pub(crate) struct FailuresRow {
    member: String,
    attempts: i64,
    last_at: i64,
    source: Vec<u8>,
}

impl TryFrom<FailuresRow> for FailedSignIns {
    type Error = CorruptRow;

    fn try_from(row: FailuresRow) -> Result<Self, CorruptRow> {
        let corrupt = |column| CorruptRow::at("failed_sign_ins", &row.member, column);
        Ok(Self {
            count: u64::try_from(row.attempts).map_err(|_| corrupt("attempts"))?,
            last_at: Timestamp::from_micros(row.last_at),
            last_from: read_address(&row.source).ok_or_else(|| corrupt("source"))?,
        })
    }
}

/// A failed sign-in to count.
#[derive(Insertable)]
#[diesel(table_name = failed_sign_ins)]
pub(crate) struct NewFailureRow<'a> {
    pub(crate) member: &'a str,
    pub(crate) session: &'static str,
    pub(crate) attempts: i64,
    pub(crate) last_at: i64,
    pub(crate) source: &'a [u8],
}
