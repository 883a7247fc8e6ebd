//! Sessions, sign-in links and tokens expire exactly at their end.

use std::time::Duration;

use hookgate_domain::{OrganizationId, Timestamp};
use hookgate_people::{
    ApiTokenDigest, MemberId, Role, SESSION_IDLE, SESSION_LIFE, SIGN_IN_LINK_LIFE, Session, SessionDigest,
    SessionId, SignInLink, SignInMeans, SignInSecretDigest, Token, TokenError, TokenId, TokenState,
};

use crate::NOW;

const MOMENT: Duration = Duration::from_micros(1);

fn session(created_at: Timestamp, last_seen_at: Timestamp) -> Session {
    Session {
        id: SessionId::new(NOW, [1; 10]),
        digest: SessionDigest::from_bytes([1; 32]),
        member: MemberId::new(NOW, [2; 10]),
        means: SignInMeans::Password,
        created_at,
        last_seen_at,
        source: [192, 0, 2, 7].into(),
        user_agent: None,
        made_by: None,
    }
}

fn token(expires_at: Option<Timestamp>) -> Token {
    Token {
        id: TokenId::new(NOW, [1; 10]),
        organization: OrganizationId::FIRST,
        digest: ApiTokenDigest::from_bytes([1; 32]),
        name: "backup".parse().expect("a name"),
        role: Role::Viewer,
        owner: None,
        created_by: "root".to_owned(),
        created_at: NOW,
        expires_at,
        last_used_at: None,
        revoked_at: None,
        made_by: None,
        root: None,
    }
}

#[test]
fn a_session_ends_when_it_is_left_alone_and_when_it_is_old() {
    let alone = session(NOW, NOW);
    assert!(!alone.is_over(NOW.after(SESSION_IDLE).before(MOMENT)));
    assert!(alone.is_over(NOW.after(SESSION_IDLE)));
    assert_eq!(SESSION_LIFE.as_secs(), 7 * 86_400);
    let end = NOW.after(SESSION_LIFE);
    let busy = session(NOW, end.before(MOMENT));
    assert!(!busy.is_over(end.before(MOMENT)));
    assert!(busy.is_over(end));
    let words = [SignInMeans::Password, SignInMeans::Link].map(SignInMeans::as_str);
    assert_eq!(words, ["password", "link"]);
}

#[test]
fn a_link_works_for_half_an_hour() {
    let link = SignInLink {
        digest: SignInSecretDigest::from_bytes([1; 32]),
        member: MemberId::new(NOW, [1; 10]),
        created_at: NOW,
        made_by: None,
    };
    assert_eq!(link.expires_at(), NOW.after(SIGN_IN_LINK_LIFE));
    assert!(!link.is_over(link.expires_at().before(MOMENT)));
    assert!(link.is_over(link.expires_at()));
}

#[test]
fn a_token_works_until_it_expires_or_is_revoked() {
    let end = NOW.after(Duration::from_mins(1));
    let forever = token(None);
    assert_eq!(
        forever.state(NOW.after(Duration::from_hours(1_000_000))),
        TokenState::Live
    );
    let expiring = token(Some(end));
    assert_eq!(expiring.state(end.before(MOMENT)), TokenState::Live);
    assert_eq!(expiring.state(end), TokenState::Expired);
    let revoked = expiring.revoke(end).expect("expired is not revoked");
    assert_eq!(
        (revoked.state(NOW), revoked.revoked_at),
        (TokenState::Revoked, Some(end))
    );
    assert_eq!(revoked.revoke(NOW), Err(TokenError::AlreadyRevoked));
    let words = [TokenState::Live, TokenState::Expired, TokenState::Revoked].map(TokenState::as_str);
    assert_eq!(words, ["live", "expired", "revoked"]);
}

#[test]
fn whoever_acts_is_named_with_what_it_may_do() {
    use hookgate_people::{Actor, Member};
    let member = Member {
        id: MemberId::new(NOW, [1; 10]),
        organization: OrganizationId::FIRST,
        name: "ada".parse().expect("a name"),
        role: Role::Operator,
        password: None,
        created_at: NOW,
    };
    let token = token(None);
    let user = "root".to_owned();
    let (member_id, token_id) = (Some(member.id.to_string()), Some(token.id.to_string()));
    let actors = [
        (Actor::from(&member), "member", member_id, "ada", Role::Operator),
        (Actor::from(&token), "token", token_id, "backup", Role::Viewer),
        (
            Actor::CommandLine { user },
            "command_line",
            None,
            "root",
            Role::Owner,
        ),
        (Actor::System, "system", None, "hookgate", Role::Owner),
    ];
    for (actor, kind, id, name, role) in actors {
        assert_eq!(
            (actor.kind(), actor.id(), actor.name(), actor.role()),
            (kind, id, name, role)
        );
    }
}
