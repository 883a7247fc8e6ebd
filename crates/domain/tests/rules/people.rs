//! People: names have one spelling, secrets read back and stay hidden, roles and owners keep their rules.

use std::convert::Infallible;

use hookgate_domain::{
    ApiToken, AuditAct, Member, MemberError, MemberId, MemberName, NameError, OrganizationId, Password,
    PeopleNameError, Permission, Role, SecretError, SessionId, SessionToken, SignInSecret, Timestamp,
    TokenId, TokenName, WebhookId,
};
use proptest::prelude::*;

use crate::support::{Bytes, NOW};

fn token(seed: u64) -> ApiToken {
    let mut bytes = Bytes(seed);
    let Ok(token) = ApiToken::generate(|buffer| {
        bytes.fill(buffer);
        Ok::<(), Infallible>(())
    });
    token
}

proptest! {
    #[test]
    fn ids_read_back_and_are_never_taken_for_one_another(micros: i64, random: [u8; 10]) {
        let at = Timestamp::from_micros(micros);
        let (member, token) = (MemberId::new(at, random), TokenId::new(at, random));
        let session = SessionId::new(at, random);
        prop_assert_eq!(member.to_string().parse(), Ok(member));
        prop_assert_eq!(token.to_string().parse(), Ok(token));
        prop_assert_eq!(session.to_string().parse(), Ok(session));
        prop_assert_eq!(token.to_string().parse::<MemberId>(), Err(NameError::Member));
        prop_assert_eq!(session.to_string().parse::<TokenId>(), Err(NameError::Token));
        prop_assert_eq!(member.to_string().parse::<SessionId>(), Err(NameError::Session));
    }

    #[test]
    fn what_is_read_is_written_the_same(text in "(mem_|tok_|ses_)[0-9a-zA-Z]{25,27}") {
        if let Ok(id) = text.parse::<MemberId>() {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn secrets_read_back_and_are_never_taken_for_one_another(seed: u64) {
        let token = token(seed);
        let text = token.reveal();
        prop_assert_eq!(text.parse::<ApiToken>()?.digest(), token.digest());
        prop_assert_eq!(text.parse::<SessionToken>().err(), Some(SecretError::Form));
        prop_assert_eq!(text.parse::<SignInSecret>().err(), Some(SecretError::Form));
        prop_assert!(text.parse::<WebhookId>().is_err());
        // Another prefix is another checksum.
        let moved = format!("hgs_{}", &text[4..]);
        prop_assert_eq!(moved.parse::<SessionToken>().err(), Some(SecretError::Checksum));
        let shown = format!("{token:?}{:?}", token.digest());
        prop_assert!(!shown.contains(&text[4..10]));
    }

    #[test]
    fn a_guess_of_the_right_form_fails_by_its_checksum(guess in "hgt_[0-9A-Za-z]{38}") {
        prop_assert_eq!(guess.parse::<ApiToken>().err(), Some(SecretError::Checksum));
    }

    #[test]
    fn any_name_that_is_taken_reads_back(text in "\\PC{0,110}") {
        if let Ok(name) = text.parse::<MemberName>() {
            prop_assert_eq!(name.as_str().parse(), Ok(name.clone()));
            prop_assert!((1..=100).contains(&name.as_str().chars().count()));
            prop_assert_eq!(name.as_str().trim(), name.as_str());
        }
    }

    #[test]
    fn a_password_is_taken_by_its_length_alone(text in any::<String>()) {
        prop_assert_eq!(text.parse::<Password>().is_ok(), (8..=200).contains(&text.chars().count()));
    }

    #[test]
    fn words_read_back(word in "[a-z_.]{0,24}") {
        if let Ok(act) = word.parse::<AuditAct>() {
            prop_assert_eq!(act.to_string(), word.as_str());
        }
        if let Ok(role) = word.parse::<Role>() {
            prop_assert_eq!(role.to_string(), word.as_str());
        }
    }
}

#[test]
fn names_that_could_be_something_else_are_refused() {
    let secret = token(1);
    for text in [secret.reveal(), "mem_x", "tok_x", "ses_x", "hk_x", "x wh_y"] {
        assert_eq!(
            text.parse::<MemberName>(),
            Err(PeopleNameError::LooksLikeSecret),
            "{text}"
        );
        assert!(text.parse::<TokenName>().is_err());
    }
}

#[test]
fn each_role_may_what_the_one_below_may() {
    let table = [
        (Permission::SeePayloads, Role::Operator),
        (Permission::HandleIncidents, Role::Operator),
        (Permission::ManageWebhooks, Role::Admin),
        (Permission::ManagePeople, Role::Admin),
    ];
    for (permission, lowest) in table {
        for role in Role::ALL {
            assert_eq!(role.may(permission), role >= lowest, "{role} {permission}");
        }
    }
}

/// Every change of every role by everybody, with one owner and with two.
#[test]
fn only_owners_touch_owners_and_one_stays() {
    for (from, to, by, owners) in Role::ALL.into_iter().flat_map(|from| {
        Role::ALL.into_iter().flat_map(move |to| {
            Role::ALL
                .into_iter()
                .flat_map(move |by| [1, 2].map(|owners| (from, to, by, owners)))
        })
    }) {
        let member = Member {
            id: MemberId::new(NOW, [1; 10]),
            organization: OrganizationId::FIRST,
            name: "ada".parse().unwrap(),
            role: from,
            password: None,
            created_at: NOW,
        };
        let removed = member.check_removable(by, owners);
        let changed = member.with_role(to, by, owners);
        let touches_owner = from == Role::Owner || to == Role::Owner;
        if touches_owner && by != Role::Owner {
            assert_eq!(changed, Err(MemberError::OwnersOnly));
        } else if from == Role::Owner && to != Role::Owner && owners == 1 {
            assert_eq!(changed, Err(MemberError::LastOwner));
        } else {
            assert_eq!(changed.map(|member| member.role), Ok(to));
        }
        let expected = match (from, by) {
            (Role::Owner, Role::Owner) if owners == 1 => Err(MemberError::LastOwner),
            (Role::Owner, Role::Owner) => Ok(()),
            (Role::Owner, _) => Err(MemberError::OwnersOnly),
            _ => Ok(()),
        };
        assert_eq!(removed, expected);
    }
}
