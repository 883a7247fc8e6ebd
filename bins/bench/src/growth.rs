//! `cargo xtask bench growth`: the cost of a delivery, a page and a start with a full store, compared with a small one.
//!
//! Three stores on SQLite, each with more in it than the one before: ten webhooks; a million of them, and an allowlist
//! of 10,000 networks; and ten million deliveries of the last weeks. They are measured in turns.

mod stores;

use std::path::Path;

use super::figures::Figures;
use super::generator::{Generator, Target, first_answer_ms};
use super::load::Sent;
use super::node::Site;
use super::rounds::announce;
use super::store::sqlite;
use super::tree::{Process, cpu_seconds};
use stores::Stores;
use xtask::process::{Outcome, say};

/// 64 connections that stay open, in a closed loop.
const SATURATED: (&str, &[&str]) = ("closed", &["--connections", "64"]);
/// 300 requests a second.
const FIXED: (&str, &[&str]) = ("fixed", &["--rate", "300", "--connections", "64"]);
/// One connection that asks for a page when it has the answer to the last request.
const READER: (&str, &[&str]) = ("closed", &["--connections", "1"]);

pub(super) fn run(
    scratch: &Path,
    rows: u32,
    rounds: usize,
    seconds: u32,
    figures: &mut Figures,
) -> Outcome<()> {
    let stores = Stores::build(scratch, rows)?;
    for round in 1..=rounds {
        announce(round, rounds)?;
        deliveries(&stores, seconds, figures)?;
        page(&stores, seconds, figures)?;
        start(&stores, figures)?;
    }
    // Pruning is last, because it removes the history.
    for round in 1..=rounds {
        announce(round, rounds)?;
        prune(&stores, seconds, figures)?;
    }
    Ok(())
}

/// Measures the rate and the CPU of a delivery in each store.
fn deliveries(stores: &Stores, seconds: u32, figures: &mut Figures) -> Outcome<()> {
    let mut measured = Vec::new();
    for (name, store) in [
        ("few", &stores.few),
        ("many", &stores.many),
        ("long", &stores.long),
    ] {
        store.renew()?;
        let server = store.site.serve(&[])?;
        load(&store.target, SATURATED, 1)?;
        let before = cpu_seconds(&[server.id()]);
        let sent = load(&store.target, SATURATED, seconds)?;
        let cpu_us = (cpu_seconds(&[server.id()]) - before) * 1e6 / sent.answers;
        say(&format!("{name}: {:.0}/s at {cpu_us:.1} us CPU", sent.rate));
        figures.add(format!("growth.{name}.rate"), sent.rate);
        figures.add(format!("growth.{name}.cpu_us"), cpu_us);
        measured.push((sent.rate, cpu_us));
    }
    let [few, many, long] = measured[..] else {
        return Err("a store was left out".into());
    };
    figures.add("growth.webhooks.rate_ratio", many.0 / few.0);
    figures.add("growth.webhooks.cpu_ratio", many.1 / few.1);
    figures.add("growth.history.rate_ratio", long.0 / many.0);
    figures.add("growth.history.cpu_ratio", long.1 / many.1);
    Ok(())
}

/// Measures the last page of a webhook's history in the admin API: time of the whole request over TLS.
fn page(stores: &Stores, seconds: u32, figures: &mut Figures) -> Outcome<()> {
    let _server = stores.long.site.serve(&[])?;
    let latency = load(&stores.page, READER, seconds)?.latency.ok_or("no latency")?;
    say(&format!(
        "page: p50 {:.2} ms, p99 {:.2} ms",
        latency.p50, latency.p99
    ));
    figures.add("growth.history.page_p50_ms", latency.p50);
    figures.add("growth.history.page_p99_ms", latency.p99);
    Ok(())
}

/// Measures the time from the start of the server to the first delivery.
fn start(stores: &Stores, figures: &mut Figures) -> Outcome<()> {
    for (name, store) in [
        ("few_first_delivery_ms", &stores.few),
        ("first_delivery_ms", &stores.long),
    ] {
        let ms = first_answer_ms(&store.target, &store.site.serving())?;
        say(&format!("start: {name} {ms:.1}"));
        figures.add(format!("growth.start.{name}"), ms);
    }
    Ok(())
}

/// Measures the latency of deliveries during pruning, compared with that of the same store without it.
fn prune(stores: &Stores, seconds: u32, figures: &mut Figures) -> Outcome<()> {
    let oldest = || -> Outcome<(i64, bool)> {
        let sql =
            "SELECT id, received_at < (unixepoch() - 90000) * 1000000 FROM deliveries ORDER BY id LIMIT 1";
        let text = sqlite(&stores.long.data, sql)?;
        let (id, is_old) = text.trim().split_once('|').ok_or("the history is empty")?;
        Ok((id.parse()?, is_old == "1"))
    };
    let latency = |site: &Site| -> Outcome<(Process, f64)> {
        let server = site.serve(&[])?;
        load(&stores.long.target, FIXED, 1)?;
        let sent = load(&stores.long.target, FIXED, seconds)?;
        Ok((server, sent.latency.ok_or("no latency")?.p99))
    };
    let (quiet_server, quiet) = latency(&stores.long.site)?;
    drop(quiet_server);
    let (before, _) = oldest()?;
    let (pruning_server, pruning) = latency(&stores.pruning)?;
    let (after, is_old) = oldest()?;
    drop(pruning_server);
    if after == before || !is_old {
        return Err("the history was not pruned all the time; it takes more rows or fewer seconds".into());
    }
    say(&format!(
        "p99 {quiet:.2} ms, while pruning {} rows {pruning:.2} ms",
        after - before
    ));
    figures.add("growth.prune.quiet_p99_ms", quiet);
    figures.add("growth.prune.p99_ms", pruning);
    figures.add("growth.prune.p99_ratio", pruning / quiet);
    Ok(())
}

fn load(target: &Target, (load, shape): (&str, &[&str]), seconds: u32) -> Outcome<Sent> {
    let seconds = seconds.to_string();
    Generator::start(load, target, &[shape, &["--seconds", &seconds]].concat())?.send()
}
