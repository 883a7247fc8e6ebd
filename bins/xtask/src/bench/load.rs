//! The load: a POST of one alert of 312 bytes, from a generator pinned to the second core.

use std::fmt;
use std::fs;
use std::process::Command;

use super::server::Server;
use crate::process::{Outcome, root};

/// What every request carries.
const BODY: &str = r#"{"title":"Disk use above 95 % on db1.example.org","description":"/var/lib/postgresql is at 96.4 % and grows by 1.2 GB an hour; 41 minutes are left.","severity":"high","service":"postgres-main","source_url":"https://grafana.example.org/d/disk?var-host=db1","metadata":{"host":"db1","mount":"/var/lib/postgresql"}}"#;

/// A way to send.
#[derive(Clone, Copy)]
pub(crate) enum Load {
    /// HTTP/1.1, 64 connections that stay open.
    KeepAlive,
    /// HTTP/2, 16 connections with 4 streams each.
    Http2,
}

/// What one measurement showed.
pub(crate) struct Measured {
    /// Answers a second, all of them 2xx.
    pub(crate) rate: f64,
    /// CPU microseconds of the server per answer.
    pub(crate) cpu_us: f64,
    /// 99th percentile of the latency; 0 where the generator doesn't tell.
    pub(crate) p99_ms: f64,
    /// Resident memory after it, in MiB.
    pub(crate) resident_mib: f64,
}

impl Load {
    pub(crate) const ALL: [Self; 2] = [Self::KeepAlive, Self::Http2];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::KeepAlive => "keepalive",
            Self::Http2 => "http2",
        }
    }

    /// Sends for so many seconds.
    pub(crate) fn run(self, server: &Server, seconds: u32) -> Outcome<Measured> {
        let before = server.cpu_seconds()?;
        let (requests, rate, p99_ms) = match self {
            Self::KeepAlive => wrk(&server.url, seconds, 64)?,
            Self::Http2 => h2load(&server.url, seconds)?,
        };
        let cpu = server.cpu_seconds()? - before;
        Ok(Measured {
            rate,
            cpu_us: cpu * 1e6 / requests,
            p99_ms,
            resident_mib: server.resident_mib()?,
        })
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}/s at {:.1} us CPU", self.rate, self.cpu_us)
    }
}

/// Requests, rate, and the 99th percentile in milliseconds of so many connections that stay open.
pub(super) fn wrk(url: &str, seconds: u32, connections: u32) -> Outcome<(f64, f64, f64)> {
    let script = root().join("target/bench-post.lua");
    let report = r#"function done(s, l, r) print(string.format("RESULT %d %d %d %d", s.requests, s.duration, l:percentile(99), s.errors.status + s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout)) end"#;
    let quoted = BODY.replace('\\', "\\\\").replace('\'', "\\'");
    fs::write(
        &script,
        format!(
            "wrk.method = 'POST'\nwrk.headers['content-type'] = 'application/json'\nwrk.body = '{quoted}'\n{report}\n"
        ),
    )?;
    let (duration, connections) = (format!("-d{seconds}s"), format!("-c{connections}"));
    let text = output(
        Command::new("taskset")
            .args([
                "-c",
                "1",
                "wrk",
                "-t1",
                &connections,
                "--latency",
                &duration,
                "-s",
            ])
            .arg(&script)
            .arg(url),
    )?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("RESULT "))
        .ok_or("wrk printed no result")?;
    let numbers: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let [requests, micros, p99_us, errors] = numbers[..] else {
        return Err("wrk printed an odd result".into());
    };
    if errors > 0.0 {
        return Err(format!("{errors} of {requests} requests failed:\n{text}").into());
    }
    Ok((requests, requests * 1e6 / micros, p99_us / 1000.0))
}

fn h2load(url: &str, seconds: u32) -> Outcome<(f64, f64, f64)> {
    let body = root().join("target/bench-body.json");
    fs::write(&body, BODY)?;
    let duration = format!("-D{seconds}");
    let text = output(
        Command::new("taskset")
            .args([
                "-c",
                "1",
                "h2load",
                "-t1",
                "-c16",
                "-m4",
                &duration,
                "-H",
                "content-type: application/json",
                "-d",
            ])
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
    let good = number("status codes: ", " 2xx").ok_or("h2load printed no status codes")?;
    let bad: f64 = [("2xx, ", " 3xx"), ("3xx, ", " 4xx"), ("4xx, ", " 5xx")]
        .iter()
        .filter_map(|(after, before)| number(after, before))
        .sum();
    if bad > 0.0 {
        return Err(format!("{bad} requests failed:\n{text}").into());
    }
    Ok((good, rate, 0.0))
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
