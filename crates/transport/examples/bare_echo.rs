//! The baseline of the benchmark: hyper and rustls without Hookgate. The server reads each body and answers a fixed
//! 201. Arguments: certificate file, key file, address to bind. The first line on stdout is the bound address.

use std::convert::Infallible;
use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use hookgate_transport::tls::{HotCertificate, MinTls, server_config};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const BODY: &[u8] =
    br#"{"success":true,"data":{"delivery_id":"dlv_0","incident":{"id":"INC-1","status":"open"},"incidents":[{"id":"INC-1","status":"open"}]}}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(chain), Some(key), Some(address)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: bare_echo CERTIFICATE KEY ADDRESS".into());
    };
    let certificate = HotCertificate::from_pem(&std::fs::read(chain)?, &std::fs::read(key)?)?;
    let acceptor = TlsAcceptor::from(server_config(Arc::new(certificate), MinTls::default())?);
    let listener = TcpListener::bind(address.parse::<SocketAddr>()?).await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // A baseline ignores clients that close early.
            let _ = serve(stream, acceptor).await;
        });
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor) -> Result<(), Box<dyn Error + Send + Sync>> {
    stream.set_nodelay(true)?;
    let stream = acceptor.accept(stream).await?;
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let stream = TokioIo::new(stream);
    if is_http2 {
        http2::Builder::new(TokioExecutor::new())
            .serve_connection(stream, service_fn(echo))
            .await?;
    } else {
        http1::Builder::new()
            .serve_connection(stream, service_fn(echo))
            .await?;
    }
    Ok(())
}

async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Full::new(Bytes::from_static(BODY)));
    *response.status_mut() = StatusCode::CREATED;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
