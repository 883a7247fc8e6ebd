//! People: names have one spelling, secrets parse and stay hidden, and rules protect roles and owners.

use std::convert::Infallible;

use hookgate_domain::secret::SecretError;
use hookgate_domain::{OrganizationId, Timestamp, WebhookId};
use hookgate_people::{
    Actor, ApiToken, ApiTokenDigest, AuditAct, AuditSubject, IdError, Member, MemberError, MemberId,
    MemberName, NewAudit, Password, PasswordError, PasswordHash, PeopleNameError, Permission, Role,
    SessionId, SessionToken, SignInSecret, TokenId, TokenName, UnknownRole,
};
use proptest::prelude::*;

use crate::NOW;

/// Pseudorandom bytes, the same in every run (`SplitMix64`).
struct Bytes(u64);

impl Bytes {
    fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

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
        prop_assert_eq!(token.to_string().parse::<MemberId>(), Err(IdError::Member));
        prop_assert_eq!(session.to_string().parse::<TokenId>(), Err(IdError::Token));
        prop_assert_eq!(member.to_string().parse::<SessionId>(), Err(IdError::Session));
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
        // The checksum covers the prefix.
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
    fn a_password_is_taken_by_its_length_alone(text in "[^\\p{C}\\p{Zl}\\p{Zp}\u{fffd}]{0,210}") {
        prop_assume!(!hookgate_domain::invisible::characters(&text).any(|(_, is_hidden)| is_hidden));
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

/// Every change of every role by every role, with one owner and with two.
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

#[test]
fn a_name_is_one_line_of_a_hundred_characters_and_its_case_does_not_count() {
    let longest = "\u{e4}".repeat(100);
    assert_eq!(longest.parse::<MemberName>().unwrap().as_str(), longest);
    let cases = [
        (format!("{longest}a"), PeopleNameError::TooLong),
        (" \t".to_owned(), PeopleNameError::Empty),
        ("two\nlines".to_owned(), PeopleNameError::ControlCharacter),
    ];
    for (text, error) in cases {
        assert_eq!(text.parse::<MemberName>(), Err(error));
        assert_eq!(text.parse::<TokenName>(), Err(error));
    }
    let (one, other): (MemberName, MemberName) = ("Ada".parse().unwrap(), " ADA ".parse().unwrap());
    assert_eq!((one.to_string(), one.key()), ("Ada".to_owned(), "ada".to_owned()));
    assert_eq!(one, other);
    assert_eq!(std::collections::HashSet::from([one.clone(), other]).len(), 1);
    assert_ne!(one, "bob".parse().unwrap());
    assert_eq!("Backup".parse::<TokenName>().unwrap().to_string(), "Backup");
}

#[test]
fn passwords_and_their_hashes_stay_hidden() {
    let password: Password = " correct horse ".parse().unwrap();
    assert_eq!(password.reveal(), " correct horse ", "space counts");
    let hash = PasswordHash::from_text("$argon2id$x");
    assert_eq!(hash.as_str(), "$argon2id$x");
    assert_eq!(
        format!("{password:?} {hash:?}"),
        "Password(\u{2026}) PasswordHash(\u{2026})"
    );
    for nobody_types in [
        "\u{feff}correct horse",
        "correct\thorse",
        "correct horse\n",
        "c\0orrect horse",
        "correct\u{fffd}horse",
    ] {
        let error = nobody_types.parse::<Password>().err();
        assert_eq!(error, Some(PasswordError::Untypeable), "{nobody_types:?}");
    }
    assert!("Zoë 👩‍🚒 می‌خواهم".parse::<Password>().is_ok());
    for length in [8, 200] {
        assert!("a".repeat(length).parse::<Password>().is_ok(), "{length}");
    }
    assert_eq!("1234567".parse::<Password>().err(), Some(PasswordError::TooShort));
    assert_eq!(
        "a".repeat(201).parse::<Password>().err(),
        Some(PasswordError::TooLong)
    );
}

#[test]
fn every_kind_of_secret_reads_back() {
    let fill = |buffer: &mut [u8]| {
        buffer.fill(7);
        Ok::<(), Infallible>(())
    };
    let Ok(session) = SessionToken::generate(fill);
    assert_eq!(session.reveal(), "hgs_7777777777777777777777777777777714eeem");
    assert_eq!(
        session.reveal().parse::<SessionToken>().unwrap().digest(),
        session.digest()
    );
    let Ok(link) = SignInSecret::generate(fill);
    assert_eq!(link.reveal(), "hgl_777777777777777777777777777777770aFxWy");
    assert_eq!(
        link.reveal().parse::<SignInSecret>().unwrap().digest(),
        link.digest()
    );
    assert_eq!(
        format!("{session:?} {link:?}"),
        "SessionToken(\u{2026}) SignInSecret(\u{2026})"
    );
    let digest = token(1).digest();
    assert_eq!(ApiTokenDigest::from_bytes(*digest.as_bytes()), digest);
    // SHA-256 of "hookgate form", a zero and the token.
    assert_eq!(
        session.form_token(),
        "a434cb8cc46eb3008a2637adb61712491316ff368168200c311a9187dab4b85a"
    );
}

#[test]
fn roles_and_permissions_have_words() {
    let words: Vec<_> = Role::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["viewer", "operator", "admin", "owner"]);
    for role in Role::ALL {
        assert_eq!(role.as_str().parse(), Ok(role));
    }
    assert_eq!("Owner".parse::<Role>(), Err(UnknownRole));
    let permissions = [
        (Permission::SeePayloads, "see payloads"),
        (Permission::HandleIncidents, "work on incidents"),
        (Permission::ManageWebhooks, "manage webhooks"),
        (Permission::ManagePeople, "manage people"),
    ];
    for (permission, word) in permissions {
        assert_eq!(permission.to_string(), word);
    }
}

#[test]
fn an_audit_entry_keeps_all_that_it_was_made_of() {
    let new = NewAudit {
        organization: OrganizationId::FIRST,
        at: NOW,
        actor: Actor::System,
        session: None,
        from: Some([192, 0, 2, 7].into()),
        act: AuditAct::WebhookRevoke,
        subject: AuditSubject::new("hk_1", "db alerts"),
        before: Some("{}".to_owned()),
        after: None,
        request: None,
    };
    let entry = new.clone().numbered(7);
    assert_eq!(entry.id, 7);
    assert_eq!(
        (entry.organization, entry.at, entry.from),
        (new.organization, new.at, new.from)
    );
    assert_eq!(
        (entry.actor, entry.act, entry.subject),
        (new.actor, new.act, new.subject)
    );
    assert_eq!(
        (entry.before, entry.after, entry.request),
        (new.before, new.after, new.request)
    );
    assert_eq!(
        AuditAct::WebhookRevoke.to_string().parse(),
        Ok(AuditAct::WebhookRevoke)
    );
    assert!("webhook".parse::<AuditAct>().is_err());
}
