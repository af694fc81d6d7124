//! The client end of a live connection.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::within;

pub struct Live {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Live {
    pub async fn open(url: &str, protocol: &str, headers: &[(&str, &str)]) -> Self {
        Self::try_open(url, protocol, headers).await.expect("a handshake")
    }

    /// The error is the status of a refused handshake.
    pub async fn try_open(
        url: &str,
        protocol: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, u16> {
        let mut request = url.into_client_request().expect("a request");
        let all = request.headers_mut();
        all.insert("sec-websocket-protocol", HeaderValue::from_str(protocol).expect("a value"));
        for (name, value) in headers {
            let name = name.parse::<reqwest::header::HeaderName>().expect("a name");
            all.insert(name, HeaderValue::from_str(value).expect("a value"));
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.expect("an open socket");
    }

    /// The next frame of any type.
    pub async fn next(&mut self) -> Value {
        loop {
            match self.receive().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("JSON"),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no frame but {other:?}"),
            }
        }
    }

    /// The next frame of this type. Other frames are skipped.
    pub async fn until(&mut self, kind: &str) -> Value {
        let frame = async {
            loop {
                let frame = self.next().await;
                if frame["type"] == kind {
                    return frame;
                }
            }
        };
        within(kind, frame).await
    }

    /// Returns the frames of this type that the server has sent so far.
    pub async fn until_now(&mut self, kind: &str) -> Vec<Value> {
        self.send(json!({"type": "ping"})).await;
        let mut found = Vec::new();
        loop {
            let frame = self.next().await;
            match frame["type"].as_str() {
                Some("pong") => return found,
                Some(other) if other == kind => found.push(frame),
                _ => {}
            }
        }
    }

    /// Opens a room and returns all frames from `opened` to `live`.
    pub async fn open_room(&mut self, room: i64, since: Option<i64>) -> Vec<Value> {
        self.send(json!({"type": "open", "room": room, "since_rev": since})).await;
        let mut frames = vec![self.until("opened").await];
        while frames.last().is_none_or(|frame| frame["type"] != "live") {
            frames.push(self.next().await);
        }
        frames
    }

    /// The close code of the server.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match self.receive().await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("no close but {other:?}"),
            }
        }
    }

    async fn receive(&mut self) -> Option<Result<Message, Error>> {
        within("a frame arrives", self.socket.next()).await
    }
}
