"""What is said to whom no request can be understood from: whole answers, after which the connection ends."""

TOO_LARGE_BODY = (
    b'{"error":{"type":"invalid_request_error","message":"The head of the request is over 80 KiB.",'
    b'"code":"headers_too_large","param":null}}'
)
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(TOO_LARGE_BODY), TOO_LARGE_BODY)
)
MALFORMED_BODY = (
    b'{"error":{"type":"invalid_request_error","message":"This is not a well-formed HTTP/1.1 request.",'
    b'"code":"invalid_http","param":null}}'
)
MALFORMED = (
    b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(MALFORMED_BODY), MALFORMED_BODY)
)
