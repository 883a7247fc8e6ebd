//! The gate against a model of its rules: after any changes, by this gate or another process, and with any cache, a
//! delivery is answered by the rules at that moment.

use std::net::IpAddr;

use bytes::Bytes;
use hookgate_domain::{Policy, RefusalCode, Webhook, WebhookId};
use hookgate_gate::{
    ActorContext, Body, BodyFault, DeliveryRequest, Gate, ManageError, Reply, Reservation, Store,
};
use hookgate_testkit::{MemoryStore, samples};
use proptest::prelude::*;

/// A step of the model.
#[derive(Clone, Debug)]
enum Step {
    /// A delivery to the URL of `age` regenerations ago, from one of two sources.
    Deliver { age: usize, source: usize },
    /// Another allowlist, set through this gate or only in the store.
    Allow { list: usize, elsewhere: bool },
    /// A new URL.
    Regenerate { elsewhere: bool },
    /// The webhook is revoked.
    Revoke { elsewhere: bool },
}

const SOURCES: [&str; 2] = ["192.0.2.9", "2001:db8::9"];
/// Allowlists, each with the sources that it permits.
const LISTS: [(&str, [bool; 2]); 4] = [
    ("any", [true, true]),
    ("192.0.2.0/24", [true, false]),
    ("2001:db8::/32, 198.51.100.1", [false, true]),
    ("203.0.113.0/24", [false, false]),
];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..3_usize, 0..SOURCES.len()).prop_map(|(age, source)| Step::Deliver { age, source }),
        3 => (0..LISTS.len(), any::<bool>()).prop_map(|(list, elsewhere)| Step::Allow { list, elsewhere }),
        2 => any::<bool>().prop_map(|elsewhere| Step::Regenerate { elsewhere }),
        1 => any::<bool>().prop_map(|elsewhere| Step::Revoke { elsewhere }),
    ]
}

struct Good;

impl Body for Good {
    async fn read(self, _limit: usize, _held: &Reservation<'_>) -> Result<Bytes, BodyFault> {
        Ok(Bytes::from_static(br#"{"title":"t"}"#))
    }
}

/// The gate under test, and the state that it should have.
struct World {
    gate: Gate<MemoryStore>,
    webhook: Webhook,
    /// All URLs, newest last.
    urls: Vec<WebhookId>,
    list: usize,
    revoked: bool,
    seed: u64,
}

impl World {
    async fn new() -> Self {
        let ports = samples::ports();
        let gate = Gate::new(MemoryStore::default(), ports);
        let new = samples::new_webhook("w", Policy::default());
        let issued = gate.create(&ActorContext::system(), new).await.unwrap();
        Self {
            gate,
            webhook: issued.webhook,
            urls: vec![issued.id],
            list: 0,
            revoked: false,
            seed: 100,
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Deliver { age, source } => self.deliver(age, source).await,
            Step::Allow { list, elsewhere } => self.allow(list, elsewhere).await,
            Step::Regenerate { elsewhere } => self.regenerate(elsewhere).await,
            Step::Revoke { elsewhere } => self.revoke(elsewhere).await,
        }
    }

    async fn deliver(&self, age: usize, source: usize) {
        let Some(index) = self.urls.len().checked_sub(age + 1) else {
            return;
        };
        let expected = if self.revoked || age > 0 {
            Some(RefusalCode::WebhookRevoked)
        } else if LISTS[self.list].1[source] {
            None
        } else {
            Some(RefusalCode::IpNotAllowed)
        };
        let request = DeliveryRequest {
            source: SOURCES[source].parse::<IpAddr>().unwrap().into(),
            ..samples::request(self.urls[index].reveal())
        };
        let got = match self.gate.receive(request, Good).await {
            Reply::Accepted(_) => None,
            Reply::Refused(refusal) => Some(refusal.code),
        };
        assert_eq!(got, expected);
    }

    async fn allow(&mut self, list: usize, elsewhere: bool) {
        if self.revoked {
            return;
        }
        let policy = Policy {
            allowlist: LISTS[list].0.parse().unwrap(),
            ..Policy::default()
        };
        self.webhook = if elsewhere {
            let edited = self
                .webhook
                .clone()
                .edit(self.webhook.name.clone(), policy)
                .unwrap();
            self.store_behind(edited, None).await
        } else {
            let edit = |_: &mut _, current: &mut Policy| {
                current.clone_from(&policy);
                Ok::<_, ManageError>(())
            };
            let handle = self.webhook.handle;
            self.gate
                .edit(&ActorContext::system(), handle, None, edit)
                .await
                .unwrap()
        };
        self.list = list;
    }

    async fn regenerate(&mut self, elsewhere: bool) {
        if self.revoked {
            return;
        }
        if elsewhere {
            self.seed += 1;
            let id = samples::webhook_id(self.seed).unwrap();
            let change = self.webhook.clone().regenerate(&id, self.gate.now()).unwrap();
            self.webhook = self.store_behind(change.webhook, Some(change.retired)).await;
            self.urls.push(id);
        } else {
            let handle = self.webhook.handle;
            let issued = self
                .gate
                .regenerate(&ActorContext::system(), handle)
                .await
                .unwrap();
            self.webhook = issued.webhook;
            self.urls.push(issued.id);
        }
    }

    async fn revoke(&mut self, elsewhere: bool) {
        if self.revoked {
            return;
        }
        if elsewhere {
            let change = self.webhook.clone().revoke(self.gate.now()).unwrap();
            self.webhook = self.store_behind(change.webhook, Some(change.retired)).await;
        } else {
            let handle = self.webhook.handle;
            self.webhook = self.gate.revoke(&ActorContext::system(), handle).await.unwrap();
        }
        self.revoked = true;
    }

    async fn store_behind(&self, webhook: Webhook, retired: Option<hookgate_domain::RetiredUrl>) -> Webhook {
        let store = self.gate.store();
        store
            .webhook_replace(webhook.clone(), retired, samples::audit())
            .await
            .unwrap();
        webhook
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_delivery_is_answered_by_what_holds_then(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in steps {
                world.take(step).await;
            }
        });
    }
}
