"""Books, who wrote them and who has borrowed them: one of each kind of relation."""
from django.contrib.auth.models import User
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=60, db_index=True)
    born = models.DateField(null=True, blank=True)

    def __str__(self):
        return self.name


class Subject(models.Model):
    code = models.CharField(max_length=8, primary_key=True)
    title = models.CharField(max_length=40, unique=True)

    def __str__(self):
        return self.title


class Book(models.Model):
    title = models.CharField(max_length=100)
    author = models.ForeignKey(Author, models.CASCADE, related_name='books')
    subjects = models.ManyToManyField(Subject, blank=True)
    kind = models.CharField(max_length=1, choices=[('n', 'Novel'), ('p', 'Poetry'), ('s', 'Science')], default='n')
    pages = models.PositiveIntegerField(default=0)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    text = models.TextField(blank=True)

    class Meta:
        unique_together = [('author', 'title')]
        indexes = [models.Index(fields=['kind', 'pages'], name='kind_pages')]
        ordering = ['title']

    def __str__(self):
        return self.title


class Loan(models.Model):
    book = models.ForeignKey(Book, models.PROTECT)
    reader = models.ForeignKey(User, models.SET_NULL, null=True, blank=True)
    due = models.DateField()
    returned = models.BooleanField(default=False)
    extra = models.JSONField(default=dict, blank=True)

    def __str__(self):
        return 'loan of %s' % self.book
