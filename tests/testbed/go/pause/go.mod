module o11y.example/testbed/pause

go 1.24.0
