//! A webhook in observe mode, from its banner to the refusal; and the newest end of the chart on a phone.

use hookgate_testkit::browser::Setup;

use crate::person::{NO_SCRIPTS, Person};
use crate::stories::deliver;
use crate::support::{Server, comes};

const ALERT: &str = r#"{"title":"Disk full"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_observed_allowlist_is_enforced_from_its_banner() {
    for setup in [Setup::default(), NO_SCRIPTS] {
        let server = Server::start();
        let hook = server.create("hook", &["--allow", "192.0.2.1", "--allowlist-mode", "observe"]);
        let person = Person::signed_in(&server, setup).await;
        assert_eq!(deliver(&server, &hook, ALERT).await, 201);
        person.open("hook").await;
        person
            .sees("of 1 sender, 1 would be refused (1 of 1 delivery).")
            .await;
        person.press("View them").await;
        person.sees("would be refused").await;
        assert!(person.path().await.contains("would_be_refused=true"));
        assert_eq!(person.count("tbody tr").await, 1);
        person.open("hook").await;
        person.press("Enforce").await;
        person.sees("Enforce the allowlist?").await;
        person.press("Enforce").await;
        person.sees("Allowlist enforced.").await;
        // It is said once, where there are scripts.
        let is_settled = async || person.path().await.contains("done=") != setup.scripts;
        comes("an address that says it once", is_settled).await;
        assert_eq!(deliver(&server, &hook, ALERT).await, 403);
        person.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_sees_the_newest_end_of_the_chart() {
    let server = Server::start();
    let setup = Setup {
        window: (360, 800),
        ..Setup::default()
    };
    let person = Person::signed_in(&server, setup).await;
    person
        .browser
        .driver
        .set_window_rect(0, 0, 360, 800)
        .await
        .unwrap();
    assert_eq!(deliver(&server, &server.demo_url(), ALERT).await, 201);
    person.open("demo").await;
    for range in ["1h", "24h", "7d", "30d"] {
        person.press(range).await;
        person.sees("1 accepted, 0 refused").await;
        // The only bar is of this moment.
        let places = person
            .run(
                "const box = document.querySelector('.newest');
                const bars = [...box.querySelectorAll('path')].map(bar => bar.getBoundingClientRect())
                    .filter(bar => bar.width > 0 && bar.height > 0);
                const frame = box.getBoundingClientRect();
                return [box.scrollWidth > box.clientWidth, bars.length,
                    bars.some(bar => bar.left >= frame.left && bar.right <= Math.min(frame.right, innerWidth) + 1)]",
            )
            .await;
        assert_eq!(places[0], true, "{range}: the whole chart fits");
        assert_eq!(
            places[2], true,
            "{range}: the newest bar is out of sight: {places}"
        );
    }
    person.close().await;
}
