module holdfast-bench-peer

go 1.24
