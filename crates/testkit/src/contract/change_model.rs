//! Random deliveries with random changes, against a simple model of the rules.

use std::sync::Arc;

use hookgate_domain::draft::DraftFields;
use hookgate_domain::incident::{FOLDING_KEY, MAX_NEW_INCIDENTS};
use hookgate_domain::{ChangeAction, DeliveryId, IncidentChange, IncidentNumber, IncidentStatus, Webhook};
use hookgate_gate::{AcceptedDelivery, DeliveryFilter, Effect, PageSize, Seek, Store};

use super::{all_records, incident, record, stored, with_webhook};
use crate::samples::{changing, draft, drafted, second};

/// Sequences of deliveries, each to a webhook of its own.
const SEQUENCES: u16 = 6;
/// Deliveries of a sequence.
const DELIVERIES: usize = 40;
/// Seconds between two deliveries: four of them share a minute.
const STEP: i64 = 15;
/// Keys of all changes.
const KEYS: u64 = 5;

/// Numbers that look random and are the same in each run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// A change as it is generated.
#[derive(Clone, Debug)]
struct Sent {
    action: ChangeAction,
    key: Option<String>,
    title: Option<String>,
    /// The problem is reported as acknowledged when it opens, as `custom` can.
    is_acknowledged: bool,
}

impl Sent {
    fn fields(&self) -> DraftFields<'static> {
        DraftFields {
            title: self.title.clone().map(Into::into),
            dedup_key: self.key.clone().map(Into::into),
            ..DraftFields::default()
        }
    }

    fn change(&self) -> IncidentChange {
        IncidentChange::check(self.action, self.fields()).unwrap()
    }

    fn custom(&self, webhook: &Webhook) -> AcceptedDelivery {
        let status = match (self.action, self.is_acknowledged) {
            (ChangeAction::Resolve, _) => "resolved",
            (_, true) => "acknowledged",
            (_, false) => "open",
        };
        let fields = DraftFields {
            status: Some(status.into()),
            ..self.fields()
        };
        drafted(webhook, draft(fields).unwrap())
    }
}

fn random_change(random: &mut Random, is_custom: bool) -> Sent {
    let action = match random.below(if is_custom { 3 } else { 8 }) {
        0 | 5 => ChangeAction::Resolve,
        3 => ChangeAction::Update,
        4 => ChangeAction::Acknowledge,
        _ => ChangeAction::Open,
    };
    let opens = action == ChangeAction::Open;
    let key = format!("key-{}", random.below(KEYS));
    let has_title = is_custom || opens || random.below(2) == 0;
    Sent {
        action,
        key: (!opens || random.below(4) > 0).then_some(key),
        title: has_title.then(|| format!("title {}", random.below(3))),
        is_acknowledged: is_custom && opens && random.below(3) == 0,
    }
}

/// A delivery: one change of `custom`, a few of a tool, or a flood of new problems.
fn random_changes(random: &mut Random) -> (bool, Vec<Sent>) {
    let (is_custom, count) = match random.below(12) {
        0..4 => (true, 1),
        4..11 => (false, random.below(7)),
        _ => (false, 60 + random.below(60)),
    };
    let changes = (0..count).map(|_| random_change(random, is_custom));
    let mut changes: Vec<_> = changes.collect();
    if count >= 60 {
        for change in &mut changes {
            *change = Sent {
                action: ChangeAction::Open,
                key: None,
                title: Some("flood".into()),
                is_acknowledged: false,
            };
        }
    }
    (is_custom, changes)
}

/// An incident of the model.
#[derive(Debug)]
struct Known {
    number: IncidentNumber,
    key: Option<String>,
    title: String,
    status: IncidentStatus,
    folded: i64,
    deliveries: Vec<DeliveryId>,
}

/// The rules for one webhook.
#[derive(Debug, Default)]
struct Model {
    known: Vec<Known>,
    minute: i64,
    opened: i64,
}

impl Model {
    /// Makes the changes. Returns the places of the touched incidents, and `true` if one was opened.
    fn apply(
        &mut self,
        is_custom: bool,
        changes: &[Sent],
        minute: i64,
        next: &mut i64,
    ) -> (Vec<usize>, bool) {
        let (mut touched, mut opens, mut folded) = (Vec::new(), false, 0);
        for change in changes {
            let place = match self.unresolved(change.key.as_deref()) {
                Some(place) => {
                    self.known[place].update(change);
                    place
                }
                None if is_custom && change.action == ChangeAction::Resolve => {
                    match self.known.iter().rposition(|known| known.key == change.key) {
                        Some(place) if change.key.is_some() => place,
                        _ => continue,
                    }
                }
                None if change.action != ChangeAction::Open => continue,
                None if !is_custom && !self.may_open(minute) => {
                    folded += 1;
                    continue;
                }
                None => {
                    opens = true;
                    let status = if change.is_acknowledged {
                        IncidentStatus::Acknowledged
                    } else {
                        IncidentStatus::Open
                    };
                    self.open(change.key.clone(), change.title.clone().unwrap(), status, next)
                }
            };
            if !touched.contains(&place) {
                touched.push(place);
            }
        }
        if folded > 0 {
            let place = self.unresolved(Some(FOLDING_KEY)).unwrap_or_else(|| {
                opens = true;
                let title = format!("More than {MAX_NEW_INCIDENTS} new incidents within a minute");
                self.open(Some(FOLDING_KEY.into()), title, IncidentStatus::Open, next)
            });
            self.known[place].folded += folded;
            touched.push(place);
        }
        (touched, opens)
    }

    fn unresolved(&self, key: Option<&str>) -> Option<usize> {
        let is_it = |known: &Known| known.key.as_deref() == key && known.status != IncidentStatus::Resolved;
        key.and_then(|_| self.known.iter().position(is_it))
    }

    fn may_open(&mut self, minute: i64) -> bool {
        if minute != self.minute {
            (self.minute, self.opened) = (minute, 0);
        }
        self.opened += 1;
        self.opened <= MAX_NEW_INCIDENTS
    }

    fn open(&mut self, key: Option<String>, title: String, status: IncidentStatus, next: &mut i64) -> usize {
        self.known.push(Known {
            number: IncidentNumber::new(*next).unwrap(),
            key,
            title,
            status,
            folded: 0,
            deliveries: Vec::new(),
        });
        *next += 1;
        self.known.len() - 1
    }
}

impl Known {
    fn update(&mut self, change: &Sent) {
        if let Some(title) = &change.title {
            self.title.clone_from(title);
        }
        match change.action {
            ChangeAction::Resolve => self.status = IncidentStatus::Resolved,
            ChangeAction::Acknowledge => self.status = IncidentStatus::Acknowledged,
            ChangeAction::Open if change.is_acknowledged => self.status = IncidentStatus::Acknowledged,
            ChangeAction::Open | ChangeAction::Update => {}
        }
    }
}

/// Whatever comes in whatever order, the store does what the model does.
pub async fn random_changes_follow_the_model<S: Store>(store: &Arc<S>) {
    let mut next = 1;
    for sequence in 1..=SEQUENCES {
        let webhook = with_webhook(store, sequence).await;
        let (mut random, mut model) = (Random(sequence.into()), Model::default());
        for step in 0..DELIVERIES {
            let (is_custom, changes) = random_changes(&mut random);
            let at = second(i64::try_from(step).unwrap() * STEP);
            let minute = at.as_micros().div_euclid(60_000_000);
            let (touched, opens) = model.apply(is_custom, &changes, minute, &mut next);
            let sent = if is_custom {
                changes[0].custom(&webhook)
            } else {
                changing(&webhook, changes.iter().map(Sent::change))
            };
            let sent = AcceptedDelivery {
                received_at: at,
                ..sent
            };
            let accepted = stored(store, sent).await;
            let told: Vec<_> = accepted
                .incidents
                .iter()
                .map(|touched| (touched.number, touched.status))
                .collect();
            let expected: Vec<_> = touched
                .iter()
                .map(|place| (model.known[*place].number, model.known[*place].status))
                .collect();
            assert_eq!(
                told, expected,
                "sequence {sequence}, delivery {step}: {changes:?}"
            );
            let effect = match (opens, touched.is_empty()) {
                (true, _) => Effect::Opened,
                (false, false) => Effect::Updated,
                (false, true) => Effect::Unmatched,
            };
            assert_eq!(
                accepted.effect, effect,
                "sequence {sequence}, delivery {step}: {changes:?}"
            );
            let found = record(store, accepted.delivery).await;
            assert_eq!(found.incidents, accepted.incidents.to_vec());
            for place in touched {
                model.known[place].deliveries.push(accepted.delivery);
            }
        }
        for known in &model.known {
            let found = incident(store, known.number).await;
            let occurrences = i64::try_from(known.deliveries.len()).unwrap();
            assert_eq!(
                (
                    found.dedup_key.as_ref(),
                    &found.title,
                    found.status,
                    found.folded(),
                    found.occurrences
                ),
                (
                    known.key.as_ref(),
                    &known.title,
                    known.status,
                    known.folded,
                    occurrences
                ),
                "sequence {sequence}: {}",
                known.number
            );
            let page = store.deliveries_of_incident(known.number, Seek::After(None), PageSize::MAX);
            let page = page.await.unwrap();
            let found: Vec<_> = page.items.iter().map(|delivery| delivery.id).collect();
            assert_eq!(found, known.deliveries, "sequence {sequence}: {}", known.number);
        }
    }
    let records = all_records(store, &DeliveryFilter::default()).await;
    assert_eq!(records.len(), usize::from(SEQUENCES) * DELIVERIES);
}
