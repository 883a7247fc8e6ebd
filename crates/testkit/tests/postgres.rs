//! Tests of the throw-away PostgreSQL. `cargo xtask test` installs it; without it they fail.

#![cfg(feature = "postgres")]

use std::sync::mpsc;
use std::time::Duration;

use hookgate_testkit::postgres::Postgres;

#[test]
fn what_was_committed_outlives_a_kill_and_a_stopped_server_answers_later() {
    let mut server = Postgres::start().unwrap();
    server
        .sql("postgres", "CREATE TABLE kept AS SELECT 7 AS number")
        .unwrap();
    server.kill();
    assert!(server.sql("postgres", "SELECT 1").is_err());
    server.start_again().unwrap();
    assert_eq!(
        server.sql("postgres", "SELECT number FROM kept").unwrap().trim(),
        "7"
    );

    server.pause();
    std::thread::scope(|scope| {
        let (answered, answer) = mpsc::channel();
        let server = &server;
        scope.spawn(move || answered.send(server.sql("postgres", "SELECT 1")));
        assert!(answer.recv_timeout(Duration::from_millis(300)).is_err());
        server.resume();
        assert_eq!(answer.recv().unwrap().unwrap().trim(), "1");
    });
}

#[test]
fn a_standby_has_what_the_primary_answered_and_takes_over() {
    let mut primary = Postgres::start().unwrap();
    let standby = primary.standby().unwrap();
    primary
        .sql("postgres", "CREATE TABLE kept AS SELECT 7 AS number")
        .unwrap();
    assert!(standby.sql("postgres", "CREATE TABLE refused ()").is_err());
    primary.kill();
    standby.promote().unwrap();
    assert_eq!(
        standby.sql("postgres", "SELECT number FROM kept").unwrap().trim(),
        "7"
    );
    standby.sql("postgres", "INSERT INTO kept VALUES (8)").unwrap();
}
