//! Every case of the corpus, against the gate and against proxies in front of it: each is answered as expected, and the gate
//! accepts no request without answering it.

use std::net::SocketAddr;

use hookgate_testkit::https::{self, Client, Connection, Http};
use serde_json::Value;

use crate::answers::{Answer, answers, talk};
use crate::cases::{self, Case, End, JSON};
use crate::front::FrontProxy;
use crate::support::{Server, post};

/// The request after a case. It opens nothing; an answer to it shows that the connection is still open.
const LAST: &[u8] = b"GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const LAST_ANSWER: &str = "WEBHOOK_NOT_FOUND";

/// Size of a piece when a case is sent in small parts, in bytes: no head and no body arrives at once.
const CRUMB: usize = 7;
/// Maximum length of a case to be sent in parts, in bytes: longer ones are mostly padding.
const LONGEST_IN_CRUMBS: usize = 2_000;

/// Counts accepted deliveries: incidents are numbered in the order of their deliveries, without gaps.
struct Teller<'a> {
    server: &'a Server,
    connection: Connection,
    last: u64,
}

impl<'a> Teller<'a> {
    async fn new(server: &'a Server) -> Self {
        let connection = server.client.connect(server.address(), Http::One).await;
        Self {
            server,
            connection: connection.unwrap(),
            last: 0,
        }
    }

    /// Number of deliveries accepted since the last call.
    async fn accepted(&mut self) -> u64 {
        let request = post(&self.server.demo_url(), JSON);
        let answer = self.connection.send(request).await.unwrap();
        self.before(&answer)
    }

    /// The same, through this address of the gate or of a proxy.
    async fn accepted_by(&mut self, way: SocketAddr) -> u64 {
        let mut connection = self.server.client.connect(way, Http::One).await.unwrap();
        let request = post(&self.server.demo_url(), JSON);
        let answer = connection.send(request).await.unwrap();
        self.before(&answer)
    }

    fn before(&mut self, answer: &https::Answer) -> u64 {
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let id = body["data"]["incident"]["id"].as_str();
        let number = id.and_then(|id| id.strip_prefix("INC-")).unwrap();
        let number: u64 = number.parse().unwrap();
        let before = number - self.last - 1;
        self.last = number;
        before
    }
}

fn path(url: &str) -> &str {
    &url[url.find("/webhooks/").unwrap()..]
}

/// All bytes of the answers to a case that is sent in pieces of this size.
async fn sent(client: &Client, address: SocketAddr, case: &Case, piece: usize) -> Option<Vec<u8>> {
    let stream = client.tls(address, Http::One).await.unwrap();
    let we_end = case.end == End::Ours;
    let last = (!we_end).then_some(LAST);
    talk(stream, case.bytes.chunks(piece).chain(last), we_end).await
}

/// The error in the answers to a case, if there is one.
fn fault(case: &Case, answers: &[Answer]) -> Option<String> {
    let seen: Vec<&str> = answers.iter().map(|answer| answer.summary.as_str()).collect();
    let expected: Vec<&str> = case.answers.iter().map(String::as_str).collect();
    let is_right = seen
        .strip_prefix(&expected[..])
        .is_some_and(|rest| match case.end {
            End::GoesOn => rest == [LAST_ANSWER],
            End::Closes => rest.is_empty(),
            End::Either => rest.is_empty() || rest == [LAST_ANSWER],
            End::Ours => rest.is_empty() || rest == ["BAD_REQUEST"],
        });
    // A refusal that closes says so. HTTP/1.0 closes by default.
    let last = answers.last().filter(|last| last.summary != "201");
    let says_so = case.end != End::Closes || last.is_none_or(|last| last.closes);
    (!is_right || !says_so).then(|| format!("{}: {expected:?} {:?}, but {answers:?}", case.name, case.end))
}

fn deliveries(case: &Case) -> u64 {
    case.answers.iter().filter(|answer| *answer == "201").count() as u64
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_is_answered_as_it_must_be_and_nothing_else_is_taken() {
    let server = Server::start();
    let (mut teller, mut faults) = (Teller::new(&server).await, Vec::new());
    for case in cases::all(path(&server.demo_url())) {
        let crumbs = (case.bytes.len() <= LONGEST_IN_CRUMBS).then_some(CRUMB);
        for piece in std::iter::once(usize::MAX).chain(crumbs) {
            match sent(&server.client, server.address(), &case, piece).await {
                Some(bytes) => faults.extend(fault(&case, &answers(&bytes))),
                None => faults.push(format!("{}: the server does not close", case.name)),
            }
            let (accepted, expected) = (teller.accepted().await, deliveries(&case));
            if accepted != expected {
                faults.push(format!("{}: {accepted} accepted, not {expected}", case.name));
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// Behind a proxy, the proxy gives the answers, and it corrects some requests that the gate would refuse. But the proxy
/// knows each request that the gate accepts, and the next request on its connection gets its own answer.
async fn no_request_is_seen_as_two(program: &str) {
    let server = Server::start();
    let front = FrontProxy::start(program, &server);
    let (mut teller, mut faults, mut passed) = (Teller::new(&server).await, Vec::new(), 0);
    for case in cases::all(path(&server.demo_url())) {
        // Proxies wait for a missing body before they contact the gate, and don't notice that the client has left.
        let is_endless = case.answers.iter().any(|answer| answer == "PAYLOAD_TOO_LARGE");
        if is_endless || case.end == End::Ours {
            continue;
        }
        let bytes = sent(&server.client, front.address(), &case, usize::MAX).await;
        let bytes = bytes.unwrap_or_else(|| panic!("{}: {program} does not close", case.name));
        let text = String::from_utf8_lossy(&bytes);
        let answered = ["HTTP/1.1 201 ", "HTTP/1.0 201 "].map(|line| text.matches(line).count() as u64);
        let answered: u64 = answered.iter().sum();
        passed += answered;
        let accepted = teller.accepted().await;
        let stowaways = teller.accepted_by(front.address()).await;
        if accepted != answered || stowaways != 0 {
            faults.push(format!(
                "{}: {accepted} accepted, {answered} answered, {stowaways} stowaways",
                case.name
            ));
        }
    }
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
    assert!(passed > 50, "{program} passed {passed} deliveries only");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_nginx_no_request_is_seen_as_two() {
    no_request_is_seen_as_two("nginx").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_haproxy_no_request_is_seen_as_two() {
    no_request_is_seen_as_two("haproxy").await;
}
