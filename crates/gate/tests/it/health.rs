//! Health of webhooks, by the gate over a store in memory.

use std::time::Duration;

use hookgate_domain::policy::AllowlistMode;
use hookgate_domain::{Policy, RefusalCode, Timestamp, Webhook};
use hookgate_gate::{FAILING_REFUSALS, Gate, Health, ManageError, Ports, RefusedDelivery, Store};
use hookgate_testkit::{FixedClock, MemoryStore, samples};

const NOW: Timestamp = Timestamp::from_micros(1_795_000_000_000_000);

struct Scene {
    gate: Gate<MemoryStore>,
    clock: FixedClock,
}

impl Scene {
    fn new() -> Self {
        let clock = FixedClock::at(NOW);
        let ports = Ports {
            clock: Box::new(clock.clone()),
            ..samples::ports()
        };
        Self {
            gate: Gate::new(MemoryStore::default(), ports),
            clock,
        }
    }

    async fn webhook(&self, name: &str) -> Webhook {
        let new = samples::new_webhook(name, Policy::default());
        self.gate
            .create(&samples::actor_context(), new)
            .await
            .unwrap()
            .webhook
    }

    /// Commits deliveries that are accepted now.
    async fn accept(&self, webhook: &Webhook, count: u64) {
        for _ in 0..count {
            let mut delivery = samples::delivery(webhook);
            delivery.received_at = self.gate.now();
            self.gate.store().delivery_commit(delivery).await.unwrap();
        }
    }

    /// Records deliveries that are refused now.
    fn refuse(&self, webhook: &Webhook, code: RefusalCode, count: u64) {
        for _ in 0..count {
            self.gate.store().refusal_record(RefusedDelivery {
                received_at: self.gate.now(),
                code,
                ..samples::refusal(webhook)
            });
        }
    }

    async fn health(&self, webhook: &Webhook) -> Health {
        let health = self.gate.health(std::slice::from_ref(webhook)).await.unwrap();
        assert_eq!(health.len(), 1);
        health[0]
    }

    async fn failing(&self) -> Vec<String> {
        let failing = self.gate.failing().await.unwrap();
        failing.iter().map(|one| one.webhook.to_string()).collect()
    }
}

#[tokio::test]
async fn what_senders_lose_makes_a_webhook_failing_from_half_and_three_on() {
    let scene = Scene::new();
    let webhook = scene.webhook("w").await;
    scene.accept(&webhook, FAILING_REFUSALS).await;
    assert_eq!(scene.health(&webhook).await, Health::Ok);
    scene.refuse(&webhook, RefusalCode::InvalidJson, FAILING_REFUSALS - 1);
    assert_eq!(scene.health(&webhook).await, Health::Ok);
    scene.refuse(&webhook, RefusalCode::InvalidJson, 1);
    let failing = Health::Failing(RefusalCode::InvalidJson);
    assert_eq!(scene.health(&webhook).await, failing, "three, and half");
    scene.accept(&webhook, 1).await;
    assert_eq!(scene.health(&webhook).await, Health::Ok, "less than half");
}

#[tokio::test]
async fn where_nothing_passes_one_lost_delivery_is_enough() {
    let scene = Scene::new();
    let webhook = scene.webhook("w").await;
    assert_eq!(scene.health(&webhook).await, Health::Quiet, "nothing came");
    scene.refuse(&webhook, RefusalCode::ValidationError, 1);
    let failing = Health::Failing(RefusalCode::ValidationError);
    assert_eq!(scene.health(&webhook).await, failing);
}

#[tokio::test]
async fn what_an_allowlist_turns_away_counts_only_where_nothing_passes() {
    let scene = Scene::new();
    let webhook = scene.webhook("w").await;
    let code = RefusalCode::IpNotAllowed;
    scene.refuse(&webhook, code, FAILING_REFUSALS - 1);
    assert_eq!(scene.health(&webhook).await, Health::Quiet);
    scene.refuse(&webhook, code, 1);
    assert_eq!(scene.health(&webhook).await, Health::Failing(code));
    scene.accept(&webhook, 1).await;
    scene.refuse(&webhook, code, 100);
    assert_eq!(scene.health(&webhook).await, Health::Ok);
}

#[tokio::test]
async fn a_day_later_it_is_quiet() {
    let scene = Scene::new();
    let webhook = scene.webhook("w").await;
    scene.refuse(&webhook, RefusalCode::InvalidJson, 9);
    scene.clock.advance(Duration::from_hours(22));
    assert_eq!(
        scene.health(&webhook).await,
        Health::Failing(RefusalCode::InvalidJson)
    );
    scene.clock.advance(Duration::from_hours(3));
    assert_eq!(scene.health(&webhook).await, Health::Quiet);
    assert_eq!(scene.failing().await, [""; 0]);
}

#[tokio::test]
async fn a_revoked_webhook_is_quiet_whatever_still_comes() {
    let scene = Scene::new();
    let webhook = scene.webhook("w").await;
    scene.refuse(&webhook, RefusalCode::InvalidJson, 9);
    let revoked = scene
        .gate
        .revoke(&samples::actor_context(), webhook.handle)
        .await
        .unwrap();
    scene.refuse(&revoked, RefusalCode::WebhookRevoked, 9);
    assert_eq!(scene.health(&revoked).await, Health::Quiet);
    assert_eq!(scene.failing().await, [""; 0]);
}

#[tokio::test]
async fn many_are_told_in_the_order_asked_for_and_the_worst_first() {
    let scene = Scene::new();
    assert_eq!(scene.gate.health(&[]).await.unwrap(), []);
    let (bad, good, worse, unused) = (
        scene.webhook("bad").await,
        scene.webhook("good").await,
        scene.webhook("worse").await,
        scene.webhook("unused").await,
    );
    scene.refuse(&bad, RefusalCode::InvalidJson, 4);
    scene.refuse(&worse, RefusalCode::ValidationError, 5);
    scene.accept(&good, 2).await;
    scene.refuse(&good, RefusalCode::InvalidJson, 2);
    let asked = [unused, worse.clone(), good, bad.clone(), worse.clone()];
    let health = scene.gate.health(&asked).await.unwrap();
    let words: Vec<_> = health.iter().map(|health| health.as_str()).collect();
    assert_eq!(words, ["quiet", "failing", "ok", "failing", "failing"]);
    let names = [worse.handle.to_string(), bad.handle.to_string()];
    assert_eq!(scene.failing().await, names);
}

#[tokio::test]
async fn a_store_that_is_down_is_said() {
    let scene = Scene::new();
    let webhook = scene.webhook("w").await;
    scene.gate.store().set_reachable(false);
    assert!(scene.gate.health(std::slice::from_ref(&webhook)).await.is_err());
    assert!(scene.gate.failing().await.is_err());
    assert!(
        scene.gate.observation(&webhook).await.is_ok(),
        "it does not observe"
    );
}

#[tokio::test]
async fn observing_is_counted_from_when_it_began() {
    let scene = Scene::new();
    let webhook = scene.webhook("w").await;
    scene.accept(&webhook, 3).await;
    let actor = samples::actor_context();
    scene.clock.advance(Duration::from_hours(48));
    let began = scene.gate.now();
    let observing = scene.gate.edit(&actor, webhook.handle, None, |_, policy| {
        policy.allowlist = "192.0.2.200".parse().unwrap();
        policy.allowlist_mode = AllowlistMode::Observe;
        Ok::<_, ManageError>(())
    });
    let observing = observing.await.unwrap();
    assert_eq!(observing.mode_since(), began);
    let seen = scene.gate.observation(&observing).await.unwrap().unwrap();
    assert_eq!(
        (seen.since, seen.senders, seen.deliveries),
        (began, 0, 0),
        "those before don't count"
    );

    scene.accept(&observing, 2).await;
    // A new name is no change of the mode.
    scene.clock.advance(Duration::from_hours(1));
    let renamed = scene.gate.edit(&actor, webhook.handle, None, |name, _| {
        *name = samples::name("x");
        Ok::<_, ManageError>(())
    });
    let renamed = renamed.await.unwrap();
    let seen = scene.gate.observation(&renamed).await.unwrap().unwrap();
    assert_eq!((seen.since, seen.counted_from), (began, began));
    assert_eq!((seen.senders, seen.refused_senders), (1, 1));
    assert_eq!((seen.deliveries, seen.refused_deliveries), (2, 2));

    scene.clock.advance(Duration::from_hours(24 * 40));
    let seen = scene.gate.observation(&renamed).await.unwrap().unwrap();
    let month = scene.gate.now().before(Duration::from_hours(24 * 30));
    assert_eq!((seen.since, seen.counted_from, seen.senders), (began, month, 0));
}

#[tokio::test]
async fn what_comes_to_dead_urls_is_counted_since_they_died() {
    let scene = Scene::new();
    let webhook = scene.webhook("w").await;
    let actor = samples::actor_context();
    scene.accept(&webhook, 2).await;
    assert_eq!(scene.gate.retired_use(&webhook).await.unwrap(), None);

    scene.clock.advance(Duration::from_hours(1));
    let renewed = scene
        .gate
        .regenerate(&actor, webhook.handle)
        .await
        .unwrap()
        .webhook;
    let issued = scene.gate.now();
    scene.clock.advance(Duration::from_hours(1));
    scene.refuse(&renewed, RefusalCode::WebhookRevoked, 3);
    scene.refuse(&renewed, RefusalCode::InvalidJson, 4);
    let seen = scene.gate.retired_use(&renewed).await.unwrap().unwrap();
    assert_eq!((seen.since, seen.accepted, seen.refused), (issued, 0, 3));
    assert_eq!((seen.last, seen.complete), (Some(scene.gate.now()), true));

    scene.clock.advance(Duration::from_hours(1));
    let revoked = scene.gate.revoke(&actor, webhook.handle).await.unwrap();
    let seen = scene.gate.retired_use(&revoked).await.unwrap().unwrap();
    assert_eq!((seen.since, seen.refused, seen.last), (scene.gate.now(), 0, None));
    scene.clock.advance(Duration::from_hours(1));
    scene.refuse(&revoked, RefusalCode::WebhookRevoked, 5);
    scene.refuse(&revoked, RefusalCode::MethodNotAllowed, 1);
    let seen = scene.gate.retired_use(&revoked).await.unwrap().unwrap();
    assert_eq!((seen.accepted, seen.refused, seen.complete), (0, 6, true));
}
