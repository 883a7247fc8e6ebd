//! The load: a POST of one alert of 312 bytes, by wrk or h2load on the core of load generators.

use std::fs;
use std::process::Command;

use super::tree::{GENERATORS, pinned};
use xtask::process::{Outcome, target_directory};

/// The body of every request.
pub(crate) const BODY: &str = r#"{"title":"Disk use above 95 % on db1.example.org","description":"/var/lib/postgresql is at 96.4 % and grows by 1.2 GB an hour; 41 minutes are left.","severity":"high","service":"postgres-main","source_url":"https://grafana.example.org/d/disk?var-host=db1","metadata":{"host":"db1","mount":"/var/lib/postgresql"}}"#;
/// Prints the counts of wrk as numbers in one line.
const REPORT: &str = r#"function done(s, l, r) print(string.format("RESULT %d %d %d %d %d %d", s.requests, s.duration, l:percentile(50), l:percentile(99), l:percentile(99.9), s.errors.status + s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout)) end"#;

/// Result of a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// Answers, all of them with the expected status.
    pub(crate) answers: f64,
    /// Answers a second.
    pub(crate) rate: f64,
    /// `None` if the generator measures none.
    pub(crate) latency: Option<Latency>,
}

/// Percentiles of the latency, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
}

/// Runs wrk: HTTP/1.1 over `connections` connections that stay open.
pub(crate) fn wrk(url: &str, seconds: u32, connections: u32) -> Outcome<Sent> {
    let script = target_directory().join("bench-post.lua");
    let quoted = BODY.replace('\\', "\\\\").replace('\'', "\\'");
    let header = "wrk.headers['content-type'] = 'application/json'";
    fs::write(
        &script,
        format!("wrk.method = 'POST'\n{header}\nwrk.body = '{quoted}'\n{REPORT}\n"),
    )?;
    let (duration, connections) = (format!("-d{seconds}s"), format!("-c{connections}"));
    let text = output(
        pinned(GENERATORS)
            .args(["wrk", "-t1", &connections, "--latency", &duration, "-s"])
            .arg(&script)
            .arg(url),
    )?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("RESULT "))
        .ok_or("wrk printed no result")?;
    let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let [answers, micros, median, percentile, permille, errors] = numbers[..] else {
        return Err("wrk printed an odd result".into());
    };
    if errors > 0.0 || answers == 0.0 {
        return Err(format!("{errors} of {answers} requests failed:\n{text}").into());
    }
    Ok(Sent {
        answers,
        rate: answers * 1e6 / micros,
        latency: Some(Latency {
            p50: median / 1000.0,
            p99: percentile / 1000.0,
            p999: permille / 1000.0,
        }),
    })
}

/// Runs h2load: HTTP/2 over 16 connections with 4 streams each. It prints no percentiles.
pub(crate) fn h2load(url: &str, seconds: u32) -> Outcome<Sent> {
    let body = target_directory().join("bench-body.json");
    fs::write(&body, BODY)?;
    let duration = format!("-D{seconds}");
    let header = ["-H", "content-type: application/json", "-d"];
    let text = output(
        pinned(GENERATORS)
            .args(["h2load", "-t1", "-c16", "-m4", &duration])
            .args(header)
            .arg(&body)
            .arg(url),
    )?;
    let number = |after: &str, before: &str| {
        let rest = text.split(after).nth(1)?;
        rest.split(before)
            .next()?
            .trim()
            .rsplit(' ')
            .next()?
            .parse::<f64>()
            .ok()
    };
    let rate = number("finished in ", " req/s").ok_or("h2load printed no rate")?;
    let answers = number("status codes: ", " 2xx").ok_or("h2load printed no status codes")?;
    let bad: f64 = [("2xx, ", " 3xx"), ("3xx, ", " 4xx"), ("4xx, ", " 5xx")]
        .iter()
        .filter_map(|(after, before)| number(after, before))
        .sum();
    if bad > 0.0 || answers == 0.0 {
        return Err(format!("{bad} requests failed:\n{text}").into());
    }
    Ok(Sent {
        answers,
        rate,
        latency: None,
    })
}

/// Sends this many requests over HTTP/2, with h2load: over as many connections, one stream in each.
pub(crate) fn h2load_requests(url: &str, connections: u16, requests: u16) -> Outcome<()> {
    let body = target_directory().join("bench-body.json");
    fs::write(&body, BODY)?;
    let text = output(
        pinned(GENERATORS)
            .args([
                "h2load",
                "-t1",
                "-m1",
                &format!("-c{connections}"),
                &format!("-n{requests}"),
            ])
            .args(["-H", "content-type: application/json", "-d"])
            .arg(&body)
            .arg(url),
    )?;
    if text.contains(&format!("status codes: {requests} 2xx")) {
        Ok(())
    } else {
        Err(format!("not all requests were accepted:\n{text}").into())
    }
}

fn output(command: &mut Command) -> Outcome<String> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!(
            "the load generator failed: {}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_alert_has_the_size_of_the_published_figures() {
        assert_eq!(super::BODY.len(), 312);
    }
}
