return { now, record }
