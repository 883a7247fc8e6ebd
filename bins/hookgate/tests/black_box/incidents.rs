//! Notes of incidents on the command line.

use hookgate_testkit::https::Http;

use crate::support::{Server, dump, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_note_is_read_from_a_pipe_and_masked() {
    let server = Server::start();
    let url = server.demo_url();
    let sent = server.post(Http::One, &url, r#"{"title":"Disk full"}"#).await;
    assert_eq!(sent.status, 201, "{}", sent.body);
    let note = |text: &str, input: &str| {
        let output = run(server.directory(), &["incidents", "note", "INC-1", text], input);
        output.status.code()
    };
    assert_eq!(note("-", &format!("Sent to {url}\r\nby cron\r\n")), Some(0));
    for empty in ["", " \n"] {
        assert_eq!(note(empty, ""), Some(2));
    }
    let incident = server.json(&["incidents", "show", "INC-1"]);
    let entries = incident["timeline"].as_array().unwrap();
    let notes: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry["note"].as_str())
        .collect();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        notes[0].ends_with("\nby cron") && notes[0].contains("wh_***"),
        "{notes:?}"
    );
    let stored = dump(server.directory());
    assert!(!stored.contains(url.rsplit('/').next().unwrap()) && stored.contains("Sent to "));
}
