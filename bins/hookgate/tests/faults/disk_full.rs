//! The disk is full, or the file must not grow: deliveries get 503, no delivery that was answered 2xx is missing, and with
//! free space the same process continues.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use hookgate_testkit::https::{Full, Http, Request};
use tokio::time::sleep;

use crate::load::Load;
use crate::resources::{SmallDisk, is_sound, limit};
use crate::support::{Server, code, sql};
use crate::target::Target;

const SENDERS: usize = 6;
/// Size of a payload in bytes: a few hundred payloads fill the disk.
const BALLAST: usize = 100_000;
/// Number of deliveries with 503 before there is free space again.
const PUT_OFF: usize = 200;
/// Disk sizes: one that is soon full, and one that is large enough.
const LITTLE: u32 = 16;
const ENOUGH: u32 = 200;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_puts_deliveries_off_until_there_is_room() {
    let disk = SmallDisk::mount(LITTLE);
    let data = disk.path().join("data");
    goes_on("disk full", &data, |_| {}, |_| disk.grow(ENOUGH)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_may_not_grow_put_deliveries_off_until_they_may() {
    let scratch = tempfile::tempdir().unwrap();
    let bytes = u64::from(LITTLE) * 1024 * 1024;
    let bound = |server: &Server| limit(server.pid(), &format!("--fsize={bytes}:unlimited"));
    let unbound = |server: &Server| limit(server.pid(), "--fsize=unlimited");
    goes_on("file size limited", &scratch.path().join("data"), bound, unbound).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_can_store_nothing_is_not_ready() {
    let scratch = tempfile::tempdir().unwrap();
    let server = Server::start_in(&scratch.path().join("data"), "off", Stdio::null());
    let readiness = async || {
        // `/readyz` caches the last result for a second.
        sleep(Duration::from_millis(1_100)).await;
        let request = Request::get(format!("{}/readyz", server.console()));
        server
            .send(Http::One, request.body(Full::default()).unwrap())
            .await
    };
    assert_eq!(readiness().await.status, 200);
    limit(server.pid(), "--fsize=4096:unlimited");
    let refused = server
        .post(Http::One, &server.demo_url(), r#"{"title":"t"}"#)
        .await;
    assert_eq!(refused.status, 503);
    let not_ready = readiness().await;
    assert_eq!(
        (
            not_ready.status.as_u16(),
            &*code(&not_ready),
            not_ready.header("retry-after")
        ),
        (503, "UNAVAILABLE", "2")
    );
    assert!(
        not_ready.body.contains(r#""store":"unavailable""#),
        "{}",
        not_ready.body
    );
    let request = Request::get(format!("{}/healthz", server.console()));
    let alive = server
        .send(Http::One, request.body(Full::default()).unwrap())
        .await;
    assert_eq!(alive.status, 200);
    limit(server.pid(), "--fsize=unlimited");
    assert_eq!(readiness().await.status, 200);
}

/// Sends until the store is full, makes space, and sends on.
async fn goes_on(fault: &str, data: &Path, narrow: impl FnOnce(&Server), widen: impl FnOnce(&Server)) {
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("log");
    let mut server = Server::start_in(data, "error", File::create(&log).unwrap().into());
    let target = Target {
        ballast: BALLAST,
        ..Target::demo(&server)
    };
    narrow(&server);
    let load = Load::start(&target, "t", SENDERS);
    load.is_put_off(PUT_OFF).await;
    widen(&server);
    let well = target.well_again().await;
    load.acknowledges(PUT_OFF).await;
    let sent = load.end().await;
    sent.is_kept(&sql(data, "SELECT title FROM incidents"));
    sent.answered_all();
    is_sound(&mut server, &log);
    println!("{fault}: {sent}; well again after {well:?}");
}
