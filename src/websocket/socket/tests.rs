//! Sockets over in-memory pipes and over TCP: queueing, order of writes, and when a connection is dropped.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::advance;

use crate::websocket::Incoming;
use crate::websocket::socket::*;

/// A socket over an in-memory pipe that holds `room` bytes.
fn in_memory(room: usize) -> (Socket, DuplexStream) {
    let (near, far) = duplex(room);
    let socket = Socket::new(Stream::other(near), &SocketMetrics::default());
    socket.start_with(None);
    (socket, far)
}

/// A socket over TCP whose client has a small receive buffer.
async fn over_tcp() -> (Socket, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let client = TcpSocket::new_v4().expect("a socket");
    client.set_recv_buffer_size(4096).expect("a small buffer");
    let far = client.connect(listener.local_addr().expect("an address")).await.expect("it");
    let (near, _) = listener.accept().await.expect("a connection");
    let socket = Socket::new(Stream::tcp(near), &SocketMetrics::default());
    socket.start_with(None);
    (socket, far)
}

/// Drains and closes the socket, and returns all bytes that the client receives.
async fn read_all(socket: &Socket, far: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let draining = async {
        poll_fn(|cx| {
            socket.register_waker(cx.waker());
            socket.poll_drain(cx)
        })
        .await;
        socket.finish(Duration::ZERO).await;
    };
    let reading = far.read_to_end(&mut bytes);
    let ((), read) = tokio::join!(draining, reading);
    read.expect("an orderly close");
    bytes
}

fn text(n: usize, length: usize) -> Bytes {
    encode::text(format!("{n:0length$}").as_bytes())
}

#[tokio::test]
async fn frames_come_whole_and_in_order_although_the_socket_takes_them_in_parts() {
    let (socket, mut far) = in_memory(7);
    let frames = [text(1, 300), encode::pong(b"?"), text(2, 60_000), encode::HEARTBEAT];
    for frame in &frames {
        socket.write(frame);
    }
    socket.close(Some(1000));
    let expected = [&frames.concat()[..], &encode::close(Some(1000))].concat();
    assert_eq!(read_all(&socket, &mut far).await, expected);
}

#[tokio::test]
async fn a_pong_is_queued_after_earlier_bytes() {
    let (socket, mut far) = over_tcp().await;
    let mut expected = Vec::new();
    for n in 0.. {
        socket.write(&text(n, 10_000));
        expected.extend_from_slice(&text(n, 10_000));
        if !socket.is_flushed() {
            break;
        }
    }
    socket.write(&encode::pong(b"!"));
    socket.write(&text(7, 300));
    expected.extend([encode::pong(b"!"), text(7, 300)].concat());
    let read = read_all(&socket, &mut far).await;
    assert!(read == expected, "{} of {} bytes are right", read.len(), expected.len());
}

#[tokio::test]
async fn a_client_that_does_not_read_is_disconnected_at_the_limit() {
    let (socket, mut far) = over_tcp().await;
    let frame = text(1, 10_000);
    let mut written = 0;
    while !socket.is_cut() {
        socket.write(&frame);
        written += frame.len();
        assert!(socket.out().queue.len() <= SEND_QUEUE);
    }
    // The queue, and the bytes in the kernel's two buffers: about three times the requested size.
    assert!((SEND_QUEUE..SEND_QUEUE + 512 * 1024).contains(&written), "{written}");
    assert_eq!(socket.out().queue.capacity(), 0);
    socket.write(&frame);
    assert!(socket.is_flushed());
    drop(socket);
    let error = far.read_to_end(&mut Vec::new()).await.expect_err("it is cut");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_client_that_would_exceed_the_total_of_all_queues_is_disconnected() {
    let metrics = SocketMetrics::default();
    let (near, _far) = duplex(16);
    let socket = Socket::new(Stream::other(near), &metrics);
    socket.start_with(None);
    metrics.queued.inc_by(SEND_QUEUES as u64 - 2_000);
    socket.write(&text(1, 1_000));
    assert!(!socket.is_cut() && socket.backlog() > 0);
    socket.write(&text(2, 2_000));
    assert!(socket.is_cut());
}

#[tokio::test]
async fn a_queue_below_the_limit_is_drained_and_freed() {
    let (socket, mut far) = in_memory(16);
    for n in 0..20 {
        socket.write(&text(n, 10_000));
    }
    assert!(!socket.is_cut() && socket.out().queue.len() > 150_000);
    let read = read_all(&socket, &mut far).await;
    assert_eq!(read.len(), 20 * text(0, 10_000).len());
    let out = socket.out();
    assert_eq!((out.queue.len(), out.queue.capacity()), (0, 0));
}

#[tokio::test]
async fn nothing_is_written_before_the_first_frame_or_after_the_close_frame() {
    let (near, mut far) = duplex(1024);
    let socket = Socket::new(Stream::other(near), &SocketMetrics::default());
    socket.write(&text(2, 2));
    socket.start_with(Some(text(1, 1)));
    socket.close(Some(4401));
    socket.write(&text(3, 3));
    socket.close(Some(1000));
    let expected = [text(1, 1), text(2, 2), encode::close(Some(4401))].concat();
    assert_eq!(read_all(&socket, &mut far).await, expected);
}

#[tokio::test]
async fn bytes_buffered_by_a_layer_in_between_are_flushed() {
    let (near, mut far) = duplex(1024);
    let socket =
        Socket::new(Stream::other(tokio::io::BufStream::new(near)), &SocketMetrics::default());
    socket.start_with(Some(text(1, 5)));
    let mut read = [0; 7];
    far.read_exact(&mut read).await.expect("seven bytes");
    assert_eq!(read[..], text(1, 5)[..]);
}

#[tokio::test]
async fn messages_are_read_from_any_stream() {
    let (near, mut far) = duplex(3);
    let (tcp, mut tcp_far) = over_tcp().await;
    let memory = Socket::new(Stream::other(near), &SocketMetrics::default());
    let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    for (socket, far) in
        [(&memory, &mut far as &mut (dyn tokio::io::AsyncWrite + Unpin)), (&tcp, &mut tcp_far)]
    {
        let mut decoder = Decoder::default();
        let reading = async {
            loop {
                if let Some(message) = decoder.next() {
                    break message;
                }
                assert!(poll_fn(|cx| socket.poll_read(cx, &mut decoder)).await);
            }
        };
        let (written, read) = tokio::join!(far.write_all(&hello), reading);
        written.expect("written");
        assert_eq!(read, Incoming::Text("Hello".to_owned()));
    }
}

#[tokio::test]
async fn received_bytes_reset_the_silence() {
    let (socket, mut far) = in_memory(64);
    assert_eq!((socket.beat().quiet, socket.beat().quiet), (1, 2));
    // An empty pong.
    far.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.expect("written");
    let mut decoder = Decoder::default();
    poll_fn(|cx| socket.poll_read(cx, &mut decoder)).await;
    assert_eq!(socket.beat().quiet, 1);
}

#[tokio::test]
async fn a_client_that_answers_pings_but_does_not_read_is_stalled() {
    let (socket, mut far) = in_memory(64);
    let mut decoder = Decoder::default();
    assert_eq!(socket.beat().since_sent, 0, "nothing is queued");
    socket.write(&text(1, 1_000));
    for stalled in 1..=3 {
        far.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await.expect("written");
        poll_fn(|cx| socket.poll_read(cx, &mut decoder)).await;
        assert_eq!(socket.beat(), IdleBeats { quiet: 1, since_sent: stalled });
    }
    assert_eq!(socket.backlog(), 1_004 - 64);
    far.read_exact(&mut [0; 32]).await.expect("some of it");
    // The client read something: the count starts again.
    assert!(poll_fn(|cx| Poll::Ready(socket.poll_drain(cx).is_pending())).await);
    assert_eq!(socket.beat().since_sent, 1);
}

#[tokio::test]
async fn every_socket_with_room_is_written_to_in_one_task_step() {
    let sockets: Vec<_> = (0..500).map(|_| in_memory(64)).collect();
    for (socket, _) in &sockets {
        socket.write(&text(1, 5));
    }
    assert!(sockets.iter().all(|(socket, _)| socket.is_flushed()));
}

#[tokio::test(start_paused = true)]
async fn blocked_since_tries_to_write_first() {
    let start = Instant::now();
    let (socket, mut far) = in_memory(64);
    assert_eq!(socket.blocked_since(), None, "nothing is queued");
    advance(Duration::from_secs(1)).await;
    socket.write(&text(1, 1_000));
    let wrote = Instant::now();
    advance(Duration::from_secs(1)).await;
    socket.write(&text(2, 1_000));
    assert_eq!(socket.blocked_since(), Some(wrote), "more queued bytes are not progress");
    far.read_exact(&mut [0; 32]).await.expect("some of it");
    assert_eq!(socket.blocked_since(), Some(Instant::now()), "although its task has not run");
    let (near, _corked) = duplex(64);
    let corked = Socket::new(Stream::other(near), &SocketMetrics::default());
    corked.write(&text(1, 1_000));
    advance(Duration::from_secs(1)).await;
    assert_eq!(
        corked.blocked_since(),
        Some(start + Duration::from_secs(3)),
        "it waits for the server"
    );
}

#[tokio::test]
async fn a_corked_queue_is_not_a_stall() {
    let (near, _far) = duplex(64);
    let socket = Socket::new(Stream::other(near), &SocketMetrics::default());
    socket.write(&text(1, 1_000));
    assert_eq!(socket.beat().since_sent, 0);
    socket.start_with(None);
    assert_eq!(socket.beat().since_sent, 1);
}

#[tokio::test]
async fn one_long_batch_is_accepted_by_an_empty_queue() {
    let (socket, mut far) = in_memory(64);
    let batch = encode::text(&vec![b'x'; SEND_AT_ONCE - 10]);
    socket.write(&batch);
    assert!(!socket.is_cut());
    socket.write(&text(2, 1));
    assert!(socket.is_cut(), "with more queued bytes the lower limit applies");
    drop(far);
    let (socket, mut again) = in_memory(64);
    far = std::mem::replace(&mut again, duplex(1).0);
    socket.write(&batch);
    assert_eq!(read_all(&socket, &mut far).await.len(), batch.len());
}
