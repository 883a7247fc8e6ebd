//! API tokens.

use std::sync::Arc;

use hookgate_gate::{PageSize, PeopleStore};
use hookgate_people::{AuditAct, Role, Token, TokenError};

use super::members::{entries, with_member};
use crate::samples::{audit, audit_of, second, token};

/// A token comes back with its owner and the time of its last use.
pub async fn a_token_comes_back<S: PeopleStore>(store: &Arc<S>) {
    let owner = with_member(store, 1, Role::Admin).await;
    let (theirs, free) = (token(Some(&owner), 1), token(None, 2));
    let free = Token {
        expires_at: None,
        ..free
    };
    for token in [&theirs, &free] {
        store.token_insert(token.clone(), audit()).await.unwrap();
        assert_eq!(store.token_by_id(token.id).await.unwrap().as_ref(), Some(token));
    }
    store.token_touch(free.id, second(7)).await.unwrap();
    let touched = Token {
        last_used_at: Some(second(7)),
        ..free
    };
    for (token, owner) in [(theirs, Some(owner)), (touched, None)] {
        let found = store.token_by_digest(&token.digest).await.unwrap();
        assert_eq!(found, Some((token, owner)));
    }
    let unknown = token(None, 3);
    assert_eq!(store.token_by_digest(&unknown.digest).await.unwrap(), None);
    assert_eq!(store.token_by_id(unknown.id).await.unwrap(), None);
}

/// A token is revoked once, with one entry, and does not work once the call has returned.
pub async fn a_token_is_revoked_once<S: PeopleStore>(store: &Arc<S>) {
    let one = token(None, 1);
    store.token_insert(one.clone(), audit()).await.unwrap();
    let revoke = |id| store.token_revoke(id, audit_of(AuditAct::TokenRevoke, "t", second(5)));
    let (first, again) = tokio::join!(revoke(one.id), revoke(one.id));
    let (first, again) = (first.unwrap().unwrap(), again.unwrap().unwrap());
    assert_eq!(
        [&first, &again]
            .into_iter()
            .filter(|revoked| revoked.is_ok())
            .count(),
        1
    );
    assert!([first, again].contains(&Err(TokenError::AlreadyRevoked)));
    let (found, _) = store.token_by_digest(&one.digest).await.unwrap().unwrap();
    assert_eq!(found.revoked_at, Some(second(5)));
    assert_eq!(revoke(token(None, 2).id).await.unwrap(), None);
    assert_eq!(entries(store, AuditAct::TokenRevoke).await, 1);
}

/// A revoked token revokes the tokens that it made, and those that these made, and nothing else.
pub async fn what_a_token_made_ends_with_it<S: PeopleStore>(store: &Arc<S>) {
    let [first, second_one, third, other] = [1, 2, 3, 4].map(|seed| token(None, seed));
    let by = |token: Token, maker: &Token| Token {
        made_by: Some(maker.id),
        root: Some(first.id),
        ..token
    };
    let (second_one, third) = (by(second_one.clone(), &first), by(third, &second_one));
    for token in [&first, &second_one, &third, &other] {
        store.token_insert(token.clone(), audit()).await.unwrap();
        assert_eq!(store.token_by_id(token.id).await.unwrap().as_ref(), Some(token));
    }
    let entry = audit_of(AuditAct::TokenRevoke, &first.id.to_string(), second(5));
    store
        .token_revoke(first.id, entry)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    for (token, revoked_at) in [
        (&first, Some(second(5))),
        (&second_one, Some(second(5))),
        (&third, Some(second(5))),
        (&other, None),
    ] {
        let found = store.token_by_id(token.id).await.unwrap().unwrap();
        assert_eq!(found.revoked_at, revoked_at);
    }
}

/// Pages of tokens continue after the last ID.
pub async fn token_pages_follow_the_ids<S: PeopleStore>(store: &Arc<S>) {
    for seed in [3, 1, 2] {
        store.token_insert(token(None, seed), audit()).await.unwrap();
    }
    let size = PageSize::new(2).unwrap();
    let first = store.token_page(None, size).await.unwrap();
    assert_eq!(first, [token(None, 1), token(None, 2)]);
    let rest = store.token_page(Some(first[1].id), size).await.unwrap();
    assert_eq!(rest, [token(None, 3)]);
}
