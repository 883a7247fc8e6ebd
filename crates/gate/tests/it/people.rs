//! Use cases about people over a store in memory: sign-in, sessions, tokens, roles and their ends.

use std::time::Duration;

use hookgate_domain::policy::SealedSecret;
use hookgate_domain::{DeliveryId, Policy, SenderFormat};
use hookgate_gate::{
    Account, ActorContext, AuditFilter, Browser, Commit, DEVICE_LIFE, Gate, IncidentActError, IncidentAction,
    ManageError, NewWebhook, PageSize, PeopleError, PeopleStore, SignInError, Store,
};
use hookgate_people::{
    ApiToken, AuditAct, LINK_PASSWORD_WINDOW, Member, MemberError, Password, PasswordError, Role,
    SESSION_IDLE, SESSION_LIFE, SIGN_IN_LINK_LIFE, Session, SessionToken, TokenError,
};
use hookgate_testkit::samples::{SOURCE, START, actor_context};
use hookgate_testkit::{MemoryStore, samples};

use crate::{gate, gate_at};

const GOOD: &str = "correct horse battery";

fn password(text: &str) -> Password {
    text.parse().unwrap()
}

async fn add(gate: &Gate<MemoryStore>, name: &str, role: Role) -> Member {
    let name = name.parse().unwrap();
    gate.member_add(&actor_context(), name, role, Some(password(GOOD)))
        .await
        .unwrap()
}

async fn sign_in_from(
    gate: &Gate<MemoryStore>,
    name: &str,
    text: &str,
    from: &str,
) -> Result<SessionToken, SignInError> {
    sign_in_with(gate, name, text, from, None).await
}

async fn sign_in_with(
    gate: &Gate<MemoryStore>,
    name: &str,
    text: &str,
    from: &str,
    device: Option<&SealedSecret>,
) -> Result<SessionToken, SignInError> {
    let browser = Browser {
        from: from.parse().unwrap(),
        user_agent: Some("browser/1"),
        device,
        held: 0,
    };
    let signed = gate
        .sign_in(&name.parse().unwrap(), password(text), browser)
        .await;
    signed.map(|(token, _, _)| token)
}

async fn sign_in(gate: &Gate<MemoryStore>, name: &str) -> SessionToken {
    sign_in_from(gate, name, GOOD, "192.0.2.7").await.unwrap()
}

async fn acts(gate: &Gate<MemoryStore>) -> Vec<AuditAct> {
    let all = AuditFilter::default();
    let entries = gate.audit_page(&actor_context(), &all, None, PageSize::MAX).await;
    entries
        .unwrap()
        .items
        .into_iter()
        .rev()
        .map(|entry| entry.act)
        .collect()
}

#[tokio::test]
async fn a_session_lasts_as_long_as_it_is_used_and_no_longer_than_a_week() {
    let (gate, clock) = gate_at(START);
    let ada = add(&gate, "ada", Role::Viewer).await;
    let token = sign_in(&gate, "ADA").await;
    let (member, _) = gate.signed_in(&token, SOURCE).await.unwrap().unwrap();
    assert_eq!(member.id, ada.id);
    let step = SESSION_IDLE / 2;
    let mut used = Duration::ZERO;
    while used + step < SESSION_LIFE {
        clock.advance(step);
        used += step;
        assert!(
            gate.signed_in(&token, SOURCE).await.unwrap().is_some(),
            "{used:?}"
        );
    }
    clock.advance(step);
    assert!(gate.signed_in(&token, SOURCE).await.unwrap().is_none());

    let token = sign_in(&gate, "ada").await;
    clock.advance(SESSION_IDLE);
    assert!(gate.signed_in(&token, SOURCE).await.unwrap().is_none());
    let sessions = gate.sessions(&ActorContext::remote(&ada, SOURCE), ada.id).await;
    assert!(sessions.unwrap().is_empty());
}

#[tokio::test]
async fn wrong_passwords_lock_out_their_source_and_nobody_else() {
    let (gate, clock) = gate_at(START);
    add(&gate, "ada", Role::Viewer).await;
    for name in ["ada", "nobody"] {
        let mut tries = 0;
        let wait = loop {
            match sign_in_from(&gate, name, "wrong password", "198.51.100.1").await {
                Err(SignInError::Wrong) => tries += 1,
                Err(SignInError::TooMany { retry_after }) => break retry_after,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((tries, wait), (5, Duration::from_mins(1)), "{name}");
    }
    let locked = sign_in_from(&gate, "ada", GOOD, "198.51.100.1").await;
    assert!(matches!(locked, Err(SignInError::TooMany { .. })));
    assert!(sign_in_from(&gate, "ada", GOOD, "198.51.100.2").await.is_ok());
    clock.advance(Duration::from_mins(1));
    assert!(sign_in_from(&gate, "ada", GOOD, "198.51.100.1").await.is_ok());

    let failed = AuditFilter {
        acts: Some(AuditAct::SessionSignInFailed.into()),
        ..AuditFilter::default()
    };
    let failed = gate
        .audit_page(&actor_context(), &failed, None, PageSize::MAX)
        .await;
    let names: Vec<_> = failed
        .unwrap()
        .items
        .into_iter()
        .map(|entry| entry.subject.name)
        .collect();
    assert_eq!(
        names.len(),
        2,
        "one entry for each subject, from one address in an hour"
    );
    // A text typed as a name may be a password, so it is recorded only if a member has that name.
    assert!(!names.contains(&"nobody".to_owned()) && names.contains(&"ada".to_owned()));
}

#[tokio::test]
async fn guesses_from_everywhere_lock_out_no_browser_of_the_member() {
    let (gate, clock) = gate_at(START);
    let ada = add(&gate, "ada", Role::Viewer).await;
    let device = gate.new_device_cookie(&ada).unwrap();
    let mut waits = 0;
    for network in 0..200 {
        match sign_in_from(&gate, "ada", "wrong password", &format!("198.51.100.{network}")).await {
            Err(SignInError::Wrong) => assert!(network < 100),
            Err(SignInError::Guessed { .. }) => waits += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(waits, 150);
    let elsewhere = sign_in_from(&gate, "ada", GOOD, "192.0.2.7").await;
    assert!(matches!(elsewhere, Err(SignInError::Guessed { .. })));
    let own = |device| sign_in_with(&gate, "ADA", GOOD, "198.51.100.1", Some(device));
    assert!(own(&device).await.is_ok());

    let of_bob = gate
        .new_device_cookie(&add(&gate, "bob", Role::Viewer).await)
        .unwrap();
    let made_up = SealedSecret::from_bytes(*b"0123456789012345678901234");
    for other in [&of_bob, &made_up] {
        assert!(matches!(own(other).await, Err(SignInError::Guessed { .. })));
    }
    let (link, _, _) = gate
        .sign_in_link(&actor_context(), Some(&ada.name))
        .await
        .unwrap();
    assert!(gate.sign_in_by_link(&link, SOURCE, None).await.is_ok());
    for _ in 0..5 {
        let wrong = sign_in_with(&gate, "ada", "wrong password", "192.0.2.7", Some(&device)).await;
        assert!(matches!(wrong, Err(SignInError::Wrong)));
    }
    assert!(matches!(own(&device).await, Err(SignInError::TooMany { .. })));
    clock.advance(DEVICE_LIFE);
    for network in 0..50 {
        let _ = sign_in_from(&gate, "ada", "wrong password", &format!("203.0.113.{network}")).await;
    }
    assert!(
        matches!(own(&device).await, Err(SignInError::Guessed { .. })),
        "too old"
    );
}

#[tokio::test]
async fn a_link_signs_in_once_and_soon_and_lets_set_a_password() {
    let (gate, clock) = gate_at(START);
    let (first, _, owner) = gate.sign_in_link(&actor_context(), None).await.unwrap();
    assert_eq!((owner.name.as_str(), owner.role), ("owner", Role::Owner));
    let (second, _, again) = gate.sign_in_link(&actor_context(), None).await.unwrap();
    assert_eq!(owner.id, again.id);
    let early = gate.sign_in_by_link(&first, SOURCE, None).await;
    assert!(
        matches!(early, Err(SignInError::Wrong)),
        "another link took its place"
    );
    clock.advance(SIGN_IN_LINK_LIFE);
    let late = gate.sign_in_by_link(&second, SOURCE, None).await;
    assert!(matches!(late, Err(SignInError::Wrong)), "it is over");

    let (third, _, _) = gate.sign_in_link(&actor_context(), None).await.unwrap();
    let (token, session, owner) = gate.sign_in_by_link(&third, SOURCE, None).await.unwrap();
    let used = gate.sign_in_by_link(&third, SOURCE, None).await;
    assert!(matches!(used, Err(SignInError::Wrong)), "it was used");

    let myself = ActorContext::remote(&owner, SOURCE);
    gate.set_password(&myself, owner.id, Some(&session), None, password(GOOD))
        .await
        .unwrap();
    assert!(gate.signed_in(&token, SOURCE).await.unwrap().is_some());
    sign_in(&gate, "owner").await;

    clock.advance(LINK_PASSWORD_WINDOW);
    let late = gate.set_password(
        &myself,
        owner.id,
        Some(&session),
        None,
        password("another password"),
    );
    assert!(matches!(late.await, Err(PeopleError::WrongPassword)));
}

/// A session that began by a link of this maker.
async fn by_link(
    gate: &Gate<MemoryStore>,
    maker: &ActorContext,
    of: &Member,
) -> (SessionToken, Session, ActorContext) {
    let (link, _, _) = gate.sign_in_link(maker, Some(&of.name)).await.unwrap();
    let (token, session, member) = gate.sign_in_by_link(&link, SOURCE, None).await.unwrap();
    let actor = ActorContext::remote(&member, SOURCE).in_session(session.id);
    (token, session, actor)
}

#[tokio::test]
async fn a_session_by_a_members_link_makes_nothing_that_outlives_it() {
    let gate = gate();
    let (ada, bob) = (
        add(&gate, "ada", Role::Admin).await,
        add(&gate, "bob", Role::Admin).await,
    );
    let (_, session, as_bob) = by_link(&gate, &ActorContext::remote(&ada, SOURCE), &bob).await;
    let name = || "t".parse().unwrap();
    let token = gate.token_create(&as_bob, name(), Role::Viewer, None).await;
    assert!(matches!(token, Err(PeopleError::ByLink)));
    for of in [&ada, &bob] {
        let link = gate.sign_in_link(&as_bob, Some(&of.name)).await;
        assert!(matches!(link, Err(PeopleError::ByLink)));
    }
    let set = gate.set_password(&as_bob, ada.id, None, None, password("another password"));
    assert!(matches!(set.await, Err(PeopleError::ByLink)));
    let zoe = "zoe".parse().unwrap();
    let added = gate.member_add(&as_bob, zoe, Role::Viewer, Some(password(GOOD)));
    assert!(matches!(added.await, Err(PeopleError::ByLink)));
    let own = gate.set_password(
        &as_bob,
        bob.id,
        Some(&session),
        None,
        password("another password"),
    );
    own.await.unwrap();
    let (_, _, free) = by_link(&gate, &actor_context(), &bob).await;
    gate.token_create(&free, name(), Role::Viewer, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_a_browser_asks_by_itself_keeps_no_session_alive() {
    let (gate, clock) = gate_at(START);
    add(&gate, "ada", Role::Viewer).await;
    let token = sign_in(&gate, "ada").await;
    let step = Duration::from_mins(10);
    let steps = SESSION_IDLE.as_secs() / step.as_secs();
    for _ in 1..steps {
        clock.advance(step);
        assert!(
            gate.signed_in_without_use(&token, SOURCE)
                .await
                .unwrap()
                .is_some()
        );
    }
    clock.advance(step);
    assert!(
        gate.signed_in_without_use(&token, SOURCE)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_link_to_oneself_is_no_password() {
    let gate = gate();
    let ada = add(&gate, "ada", Role::Admin).await;
    let (_, session, myself) = by_link(&gate, &ActorContext::remote(&ada, SOURCE), &ada).await;
    let set = gate.set_password(
        &myself,
        ada.id,
        Some(&session),
        None,
        password("another password"),
    );
    assert!(matches!(set.await, Err(PeopleError::WrongPassword)));
}

#[tokio::test]
async fn what_a_link_opened_goes_no_further_than_who_made_it() {
    let gate = gate();
    let owner = add(&gate, "owner", Role::Owner).await;
    let (ada, bob, vic) = (
        add(&gate, "ada", Role::Admin).await,
        add(&gate, "bob", Role::Admin).await,
        add(&gate, "vic", Role::Viewer).await,
    );
    let (by_owner, by_ada) = (
        ActorContext::remote(&owner, SOURCE),
        ActorContext::remote(&ada, SOURCE),
    );
    let (as_vic, _, _) = by_link(&gate, &by_ada, &vic).await;
    let (unused, _, _) = gate.sign_in_link(&by_ada, Some(&vic.name)).await.unwrap();
    gate.member_set_role(&by_owner, vic.id, Role::Owner, None)
        .await
        .unwrap();
    assert!(gate.signed_in(&as_vic, SOURCE).await.unwrap().is_none());
    let late = gate.sign_in_by_link(&unused, SOURCE, None).await;
    assert!(matches!(late, Err(SignInError::Wrong)));

    let (as_bob, _, _) = by_link(&gate, &by_ada, &bob).await;
    let (unused, _, _) = gate.sign_in_link(&by_ada, Some(&bob.name)).await.unwrap();
    gate.member_set_role(&by_owner, ada.id, Role::Viewer, None)
        .await
        .unwrap();
    assert!(gate.signed_in(&as_bob, SOURCE).await.unwrap().is_none());
    let late = gate.sign_in_by_link(&unused, SOURCE, None).await;
    assert!(matches!(late, Err(SignInError::Wrong)));
}

#[tokio::test]
async fn a_token_makes_nothing_that_outlives_it() {
    let gate = gate();
    let ada = add(&gate, "ada", Role::Admin).await;
    let name = || "t".parse().unwrap();
    let end = START.after(Duration::from_hours(1));
    let (_, made) = gate
        .token_create(&actor_context(), name(), Role::Admin, Some(end))
        .await
        .unwrap();
    let program = ActorContext::remote(&made, SOURCE);
    let link = gate.sign_in_link(&program, Some(&ada.name)).await;
    assert!(matches!(link, Err(PeopleError::ByToken)));
    let set = gate.set_password(&program, ada.id, None, None, password("another password"));
    assert!(matches!(set.await, Err(PeopleError::ByToken)));
    let later = Some(end.after(Duration::from_secs(1)));
    let longer = gate.token_create(&program, name(), Role::Admin, later).await;
    assert!(matches!(longer, Err(PeopleError::Token(TokenError::Outlives))));
    let (_, same) = gate
        .token_create(&program, name(), Role::Admin, None)
        .await
        .unwrap();
    assert_eq!(same.expires_at, Some(end));
    let child = ActorContext::remote(&same, SOURCE);
    let (_, grandchild) = gate
        .token_create(&child, name(), Role::Admin, None)
        .await
        .unwrap();
    for token in [&made, &same, &grandchild] {
        assert_eq!(Account::from(token), Account::Token(made.id), "one account");
    }
    let above = gate.token_create(&program, name(), Role::Owner, None).await;
    assert!(matches!(above, Err(PeopleError::Forbidden(_))));
}

#[tokio::test]
async fn the_most_common_passwords_are_refused() {
    let gate = gate();
    let ada = add(&gate, "ada", Role::Viewer).await;
    let by = actor_context();
    for text in ["password", "Password1", "12345678", "QWERTYUIOP"] {
        let common = |error| matches!(error, Err(PeopleError::Password(PasswordError::Common)));
        let set = gate.set_password(&by, ada.id, None, None, password(text));
        assert!(common(set.await.map(drop)), "{text}");
        let name = "bob".parse().unwrap();
        let added = gate.member_add(&by, name, Role::Viewer, Some(password(text)));
        assert!(common(added.await.map(drop)), "{text}");
    }
}

#[tokio::test]
async fn ones_own_password_takes_the_current_one_and_ends_the_other_sessions() {
    let gate = gate();
    let ada = add(&gate, "ada", Role::Viewer).await;
    let (other, here) = (sign_in(&gate, "ada").await, sign_in(&gate, "ada").await);
    let (_, session) = gate.signed_in(&here, SOURCE).await.unwrap().unwrap();
    let myself = ActorContext::remote(&ada, SOURCE);
    let set = |current: Option<&str>| {
        let current = current.map(password);
        gate.set_password(
            &myself,
            ada.id,
            Some(&session),
            current,
            password("another password"),
        )
    };
    assert!(matches!(set(None).await, Err(PeopleError::WrongPassword)));
    let wrong = set(Some("wrong password")).await;
    assert!(matches!(wrong, Err(PeopleError::WrongPassword)));
    set(Some(GOOD)).await.unwrap();
    assert!(gate.signed_in(&here, SOURCE).await.unwrap().is_some());
    assert!(gate.signed_in(&other, SOURCE).await.unwrap().is_none());
    let old = sign_in_from(&gate, "ada", GOOD, "192.0.2.7").await;
    assert!(matches!(old, Err(SignInError::Wrong)));
}

#[tokio::test]
async fn a_role_holds_from_the_next_request_and_a_removal_at_once() {
    let gate = gate();
    add(&gate, "owner", Role::Owner).await;
    let ada = add(&gate, "ada", Role::Admin).await;
    let session = sign_in(&gate, "ada").await;
    let myself = ActorContext::remote(&ada, SOURCE);
    let token = |role| gate.token_create(&myself, "t".parse().unwrap(), role, None);
    let (secret, made) = token(Role::Admin).await.unwrap();
    let above = token(Role::Owner).await;
    assert!(matches!(above, Err(PeopleError::Forbidden(_))));

    // A token that a token creates belongs to the same member.
    let by_token = ActorContext::remote(&made, SOURCE);
    let (grandchild, _) = gate
        .token_create(&by_token, "u".parse().unwrap(), Role::Admin, None)
        .await
        .unwrap();

    gate.member_set_role(&actor_context(), ada.id, Role::Viewer, None)
        .await
        .unwrap();
    let (member, _) = gate.signed_in(&session, SOURCE).await.unwrap().unwrap();
    assert_eq!(member.role, Role::Viewer);
    let role = async |secret: &ApiToken| {
        gate.authenticate(secret, SOURCE)
            .await
            .unwrap()
            .map(|token| token.role)
    };
    assert_eq!(role(&secret).await, Some(Role::Viewer));

    gate.member_remove(&actor_context(), ada.id).await.unwrap();
    assert!(gate.signed_in(&session, SOURCE).await.unwrap().is_none());
    assert_eq!((role(&secret).await, role(&grandchild).await), (None, None));
}

#[tokio::test]
async fn a_token_dies_by_time_and_by_hand_and_tells_when_it_was_used() {
    let (gate, clock) = gate_at(START);
    let hour = Duration::from_hours(1);
    let create = async |end| {
        let (actor, name) = (actor_context(), "t".parse().unwrap());
        gate.token_create(&actor, name, Role::Viewer, end).await.unwrap()
    };
    let (short, _) = create(Some(START.after(hour))).await;
    let (long, made) = create(None).await;
    let used = gate.authenticate(&long, SOURCE).await.unwrap().unwrap();
    assert_eq!(used.last_used_at, Some(START));
    clock.advance(Duration::from_secs(30));
    let soon = gate.authenticate(&long, SOURCE).await.unwrap().unwrap();
    assert_eq!(soon.last_used_at, Some(START), "at most once a minute");
    clock.advance(hour);
    assert!(gate.authenticate(&short, SOURCE).await.unwrap().is_none());
    assert!(gate.authenticate(&long, SOURCE).await.unwrap().is_some());
    gate.token_revoke(&actor_context(), made.id).await.unwrap();
    assert!(gate.authenticate(&long, SOURCE).await.unwrap().is_none());
}

#[tokio::test]
async fn only_owners_touch_owners() {
    let gate = gate();
    let owner = add(&gate, "owner", Role::Owner).await;
    let admin = ActorContext::remote(&add(&gate, "admin", Role::Admin).await, SOURCE);
    let only = |error: PeopleError| assert!(matches!(error, PeopleError::Member(MemberError::OwnersOnly)));
    only(
        gate.member_set_role(&admin, owner.id, Role::Viewer, None)
            .await
            .unwrap_err(),
    );
    only(gate.member_remove(&admin, owner.id).await.unwrap_err());
    only(gate.sign_in_link(&admin, Some(&owner.name)).await.unwrap_err());
    only(gate.sign_in_link(&admin, None).await.unwrap_err());
    let name = "another".parse().unwrap();
    only(
        gate.member_add(&admin, name, Role::Owner, None)
            .await
            .unwrap_err(),
    );
    let new = password("another password");
    only(
        gate.set_password(&admin, owner.id, None, None, new)
            .await
            .unwrap_err(),
    );
    sign_in(&gate, "owner").await;
    let sessions = gate.sessions(&admin, owner.id).await.unwrap();
    only(gate.session_end(&admin, sessions[0].id).await.unwrap_err());
}

#[tokio::test]
async fn who_may_not_is_refused_and_leaves_no_trace() {
    let gate = gate();
    add(&gate, "owner", Role::Owner).await;
    let issued = {
        let new = NewWebhook {
            name: samples::name("w"),
            format: SenderFormat::Custom,
            policy: Policy::default(),
            signed: false,
        };
        gate.create(&actor_context(), new).await.unwrap()
    };
    let viewer = add(&gate, "viewer", Role::Viewer).await;
    let operator = add(&gate, "operator", Role::Operator).await;
    let before = acts(&gate).await;
    for member in [&viewer, &operator] {
        let actor = ActorContext::remote(member, SOURCE);
        let handle = issued.webhook.handle;
        let revoked = gate.revoke(&actor, handle).await;
        assert!(matches!(revoked, Err(ManageError::Forbidden(_))));
        let regenerated = gate.regenerate(&actor, handle).await.err();
        assert!(matches!(regenerated, Some(ManageError::Forbidden(_))));
        let edited = gate.edit(&actor, handle, None, |_, _| Ok(())).await;
        assert!(matches!(edited, Err(ManageError::Forbidden(_))));
        let removed = gate.member_remove(&actor, viewer.id).await;
        assert!(matches!(removed, Err(PeopleError::Forbidden(_))));
        let listed = gate.token_list(&actor, None, PageSize::MAX).await;
        assert!(matches!(listed, Err(PeopleError::Forbidden(_))));
        let all = AuditFilter::default();
        let trail = gate.audit_page(&actor, &all, None, PageSize::MAX).await;
        assert!(matches!(trail, Err(PeopleError::Forbidden(_))));
    }
    let number = hookgate_domain::IncidentNumber::new(1).unwrap();
    let [viewer, operator] = [&viewer, &operator].map(|member| ActorContext::remote(member, SOURCE));
    let acted = gate.incident_act(&viewer, number, IncidentAction::Resolve).await;
    assert!(matches!(acted, Err(IncidentActError::Forbidden(_))));
    let acted = gate
        .incident_act(&operator, number, IncidentAction::Resolve)
        .await;
    assert!(matches!(acted, Err(IncidentActError::NotFound)));
    assert_eq!(acts(&gate).await, before);
}

#[tokio::test]
async fn sessions_are_seen_and_ended_by_their_member() {
    let gate = gate();
    let ada = add(&gate, "ada", Role::Viewer).await;
    let bob = add(&gate, "bob", Role::Viewer).await;
    let (one, two) = (sign_in(&gate, "ada").await, sign_in(&gate, "ada").await);
    let (myself, other) = (
        ActorContext::remote(&ada, SOURCE),
        ActorContext::remote(&bob, SOURCE),
    );
    let listed = gate.sessions(&other, ada.id).await;
    assert!(matches!(listed, Err(PeopleError::Forbidden(_))));
    let (_, session) = gate.signed_in(&one, SOURCE).await.unwrap().unwrap();
    let ended = gate.session_end(&other, session.id).await;
    assert!(matches!(ended, Err(PeopleError::NotFound)));
    gate.session_end(&myself, session.id).await.unwrap();
    assert!(gate.signed_in(&one, SOURCE).await.unwrap().is_none());
    let (_, session) = gate.signed_in(&two, SOURCE).await.unwrap().unwrap();
    gate.sign_out(&myself, &session).await.unwrap();
    gate.sign_out(&myself, &session).await.unwrap();
    assert!(gate.store().sessions_for_member(ada.id).await.unwrap().is_empty());
    let ended = acts(&gate).await;
    let ended = ended.iter().filter(|act| **act == AuditAct::SessionSignOut);
    assert_eq!(ended.count(), 2);
}

#[tokio::test]
async fn a_payload_is_for_those_who_may_see_it() {
    let gate = gate();
    let new = NewWebhook {
        name: samples::name("w"),
        format: SenderFormat::Custom,
        policy: Policy::default(),
        signed: false,
    };
    let webhook = gate.create(&actor_context(), new).await.unwrap().webhook;
    let commit = gate.store().delivery_commit(samples::delivery(&webhook)).await;
    let Ok(Commit::Stored(accepted)) = commit else {
        panic!("{commit:?}")
    };
    for (role, may) in [(Role::Viewer, false), (Role::Operator, true)] {
        let member = add(&gate, role.as_str(), role).await;
        let actor = ActorContext::remote(&member, SOURCE);
        let found = gate.delivery(&actor, accepted.delivery).await.unwrap().unwrap();
        assert_eq!(found.payload.is_some(), may, "{role}");
        assert_eq!(found.summary.id, accepted.delivery);
        let unknown = DeliveryId::from_number(i64::MAX).unwrap();
        assert!(gate.delivery(&actor, unknown).await.unwrap().is_none());
    }
}
