//! Secrets on their way to the page that shows them once.

use hookgate_domain::Timestamp;
use hookgate_domain::policy::SealedSecret;
use hookgate_gate::SHOWN_ONCE_LIFE;
use hookgate_people::SessionId;
use hookgate_testkit::samples::START;

use crate::{gate, gate_at};

const PATH: &str = "/webhooks/hk_1/url";

fn session(random: u8) -> SessionId {
    SessionId::new(Timestamp::from_micros(0), [random; 10])
}

#[test]
fn a_secret_opens_in_its_session_at_its_path_for_a_few_minutes() {
    let (gate, clock) = gate_at(START);
    let sealed = gate
        .seal_shown_once(session(1), PATH, &["url", "secret"])
        .unwrap();
    let open = |session, path: &str| {
        let opened = gate.open_shown_once(session, path, &sealed);
        opened.map(|values| values.iter().map(|value| value.to_string()).collect::<Vec<_>>())
    };
    assert_eq!(
        open(session(1), PATH),
        Some(vec!["url".to_owned(), "secret".to_owned()])
    );
    assert_eq!(open(session(2), PATH), None);
    assert_eq!(open(session(1), "/webhooks/hk_2/url"), None);
    clock.advance(SHOWN_ONCE_LIFE);
    assert_eq!(open(session(1), PATH), None);
    let damaged = SealedSecret::from_bytes([1, 2]);
    assert!(gate.open_shown_once(session(1), PATH, &damaged).is_none());
}

#[test]
fn no_two_forms_have_the_same_key() {
    let gate = gate();
    let keys = [gate.form_key().unwrap(), gate.form_key().unwrap()];
    assert_ne!(keys[0], keys[1]);
    assert!(keys.iter().all(|key| key.len() == 32));
}
