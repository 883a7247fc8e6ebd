//! Tests of the fault proxy.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

use std::net::SocketAddr;
use std::time::Duration;

use hookgate_testkit::fault_proxy::FaultProxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

/// Longest time for a byte and its answer.
const SOON: Duration = Duration::from_mins(1);
/// Time to see that nothing comes; also the delay of a slow connection.
const WHILE: Duration = Duration::from_millis(100);

/// A server that answers every byte with `answer`.
async fn server(answer: u8) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                while stream.read_u8().await.is_ok() && stream.write_u8(answer).await.is_ok() {}
            });
        }
    });
    address
}

/// Sends one byte; returns the answer, or `None` if the connection is cut.
async fn ask(stream: &mut TcpStream) -> Option<u8> {
    stream.write_u8(0).await.ok()?;
    timeout(SOON, stream.read_u8())
        .await
        .expect("an answer or an end")
        .ok()
}

#[tokio::test]
async fn it_cuts_refuses_stalls_slows_and_leads_elsewhere() {
    let proxy = FaultProxy::start(server(1).await).await.unwrap();
    let connect = || TcpStream::connect(proxy.address());
    let mut first = connect().await.unwrap();
    assert_eq!(ask(&mut first).await, Some(1));

    proxy.cut();
    assert_eq!(ask(&mut first).await, None);
    let mut second = connect().await.unwrap();
    assert_eq!(ask(&mut second).await, Some(1), "new ones pass");

    proxy.refuse();
    assert_eq!(ask(&mut second).await, None);
    assert_eq!(ask(&mut connect().await.unwrap()).await, None);
    proxy.heal();

    let mut third = connect().await.unwrap();
    assert_eq!(ask(&mut third).await, Some(1));
    proxy.stall();
    third.write_u8(0).await.unwrap();
    assert!(timeout(WHILE, third.read_u8()).await.is_err(), "nothing comes");
    proxy.heal();
    assert_eq!(
        timeout(SOON, third.read_u8()).await.unwrap().unwrap(),
        1,
        "nothing is lost"
    );

    proxy.slow(WHILE);
    let began = Instant::now();
    assert_eq!(ask(&mut third).await, Some(1));
    assert!(began.elapsed() >= 2 * WHILE, "held on both ways");
    proxy.heal();

    proxy.retarget(server(2).await);
    assert_eq!(ask(&mut third).await, None);
    assert_eq!(ask(&mut connect().await.unwrap()).await, Some(2));
}
