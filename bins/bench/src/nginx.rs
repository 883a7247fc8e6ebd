//! nginx as a lower bound: TLS with the same certificate, an allowlist, an access log, a fixed answer. It stores
//! nothing.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use super::node::{free_address, wait_for};
use super::tree::{Process, SERVERS, pinned};
use xtask::process::Outcome;

/// The configuration, with `{…}` for the values that differ. The allowlist is a `geo`, because `return` answers before
/// `allow` is evaluated. A body is read and dropped before the next request of its connection. Worker and master run as
/// the user of the benchmark.
const CONFIG: &str = r#"
{user}
worker_processes 1;
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events { worker_connections 8192; }
http {
    access_log {directory}/access.log;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    default_type application/json;
    keepalive_requests 1000000000;
    geo $allowed { default 0; 127.0.0.1 1; 192.0.2.0/24 1; }
    server {
        listen {address} ssl http2 backlog=4096;
        ssl_certificate {certificates}/gate.pem;
        ssl_certificate_key {certificates}/gate.key;
        if ($allowed = 0) { return 403; }
        return 201 '{"success":true,"data":{"delivery_id":"dlv_0","incident":{"id":"INC-1","status":"open"},"incidents":[{"id":"INC-1","status":"open"}]}}';
    }
}
"#;

/// Starts nginx on the core of servers.
pub(crate) fn start(directory: &Path, certificates: &Path) -> Outcome<(Process, SocketAddr)> {
    fs::create_dir_all(directory)?;
    let address = free_address()?;
    let is_root = fs::read_to_string("/proc/self/status")?.contains("\nUid:\t0\t");
    let text = CONFIG
        .replace("{user}", if is_root { "user root;" } else { "" })
        .replace("{directory}", &directory.display().to_string())
        .replace("{certificates}", &certificates.display().to_string())
        .replace("{address}", &address.to_string());
    let file = directory.join("nginx.conf");
    fs::write(&file, text)?;
    let mut command = pinned(SERVERS);
    command.args(["nginx", "-c"]).arg(&file).arg("-e");
    command.arg(directory.join("error.log")).stderr(Stdio::null());
    let mut process = Process::start(&mut command)?;
    wait_for(address, &mut process)?;
    Ok((process, address))
}
